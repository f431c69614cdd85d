import type { ObjectRef, RelationChange, Relationship } from '../../twin/ports.ts';
import type { CheckQuery, Engine, Precondition, RelationFilter } from './engine.ts';

/**
 * The same engine on a SpiceDB that others share: our object types stand there as `prefix/type`.
 * What is not ours is never told, and no word of ours can name it.
 */
export function prefixed(engine: Engine, prefix: string | undefined): Engine {
  if (prefix === undefined) return engine;
  const words = wordsOf(prefix);
  return {
    ...(engine.checksAtOnce !== undefined && { checksAtOnce: engine.checksAtOnce }),
    check: (items, consistency) => engine.check(items.map(words.question), consistency),
    lookupResources: (query, consistency) =>
      engine.lookupResources(
        { ...query, subject: words.object(query.subject), type: words.type(query.type) },
        consistency,
      ),
    write: (changes, preconditions = []) =>
      engine.write(changes.map(words.change), preconditions.map(words.precondition)),
    read: async (filter) =>
      (await engine.read(words.filter(filter))).flatMap((one) => words.own(one) ?? []),
    watch: (listener, from) =>
      engine.watch(
        {
          onUpdate: ({ changes, zedToken }) => {
            const own = changes.flatMap((change) => words.ownChange(change) ?? []);
            listener.onUpdate({ changes: own, zedToken });
          },
          onEnd: (error) => listener.onEnd(error),
        },
        from,
      ),
    close: () => engine.close(),
  };
}

export function prefixedType(prefix: string | undefined, type: string): string {
  return prefix === undefined ? type : `${prefix}/${type}`;
}

function wordsOf(prefix: string) {
  const start = prefixedType(prefix, '');
  const type = (name: string): string => start + name;
  const object = <T extends ObjectRef>(ref: T): T => ({ ...ref, type: type(ref.type) });
  const filter = (given: RelationFilter): RelationFilter => ({
    ...given,
    type: type(given.type),
    ...(given.subject !== undefined && {
      subject: { ...given.subject, type: type(given.subject.type) },
    }),
  });
  const own = (one: Relationship): Relationship | undefined => {
    const { resource, subject } = one;
    if (!resource.type.startsWith(start) || !subject.type.startsWith(start)) return undefined;
    const plain = <T extends ObjectRef>(ref: T): T => ({
      ...ref,
      type: ref.type.slice(start.length),
    });
    return { ...one, resource: plain(resource), subject: plain(subject) };
  };
  return {
    type,
    object,
    filter,
    own,
    question: (query: CheckQuery): CheckQuery => ({
      ...query,
      subject: object(query.subject),
      object: object(query.object),
    }),
    precondition: (one: Precondition): Precondition => ({ ...one, filter: filter(one.filter) }),
    change: ({ operation, relationship }: RelationChange): RelationChange => ({
      operation,
      relationship: {
        ...relationship,
        resource: object(relationship.resource),
        subject: object(relationship.subject),
      },
    }),
    ownChange({ operation, relationship }: RelationChange): RelationChange | undefined {
      const plain = own(relationship);
      return plain && { operation, relationship: plain };
    },
  };
}
