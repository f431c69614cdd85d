import type { ObjectRef, Relationship } from '../twin/ports.ts';
import { printRelation } from './relations-text.ts';
import type { CheckQuery, Engine } from './spicedb/engine.ts';
import { schemaWords } from './spicedb/schema.ts';

export interface Explanation {
  readonly allowed: boolean;
  /**
   * The ways from the object to the subject, whatever each of them grants: relationships in their
   * textual form, from the object on.
   */
  readonly paths: readonly (readonly string[])[];
}

/** Objects that lead on to a subject; a relation of any other subject type ends there. */
const LEADING: ReadonlySet<string> = new Set([
  'organization',
  'careteam',
  'practitioner',
  'member',
]);
/** By type of the object, those of them that its relations may name: nothing else is asked about. */
const NEXT: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  [...schemaWords()].map(([type, { relations }]) => {
    const subjects = [...relations.values()].flat().map((rule) => rule.type);
    return [type, new Set(subjects.filter((subject) => LEADING.has(subject)))];
  }),
);

/** The longest way in our schema: session, member, organization, user. */
const STEPS_MAX = 3;

/** For operators: what SpiceDB says now, fully consistent, and over which relations it could. */
export async function explain(engine: Engine, query: CheckQuery): Promise<Explanation> {
  const { allowed } = await engine.check([query], { kind: 'full' });
  const paths = await pathsTo(engine, query.object, query.subject, STEPS_MAX);
  return {
    allowed: allowed[0] === true,
    paths: paths.map((path) => path.map(printRelation)),
  };
}

async function pathsTo(
  engine: Engine,
  from: ObjectRef,
  subject: ObjectRef,
  steps: number,
): Promise<Relationship[][]> {
  const direct = await engine.read({ type: from.type, id: from.id, subject });
  const paths = direct.map((relationship) => [relationship]);
  if (steps === 1) return paths;
  for (const type of NEXT.get(from.type) ?? []) {
    for (const step of await engine.read({ type: from.type, id: from.id, subject: { type } })) {
      const rest = await pathsTo(engine, step.subject, subject, steps - 1);
      paths.push(...rest.map((path) => [step, ...path]));
    }
  }
  return paths;
}
