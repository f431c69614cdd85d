import type { Clock } from '../kernel/clock.ts';
import { randomId } from '../kernel/ids.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { Floors } from '../twin/floors.ts';
import { notifiedEntries } from '../twin/notified.ts';
import type { Audit, Principal, View } from '../twin/ports.ts';
import { principalKey } from '../twin/principals.ts';
import type { Reader } from '../twin/reader/index.ts';
import type { Delivery, GatewayEvent, Ready, Rights } from './ports.ts';

export interface RightsParts {
  readonly reader: Pick<Reader, 'variants' | 'readable' | 'recentChanges'>;
  readonly audit: Audit;
  readonly floors: Pick<Floors, 'raise'>;
  readonly view: Pick<View, 'epoch' | 'partitions' | 'for' | 'waitFor'>;
  readonly readWaitMs: number;
}

/** Rights of the gateway: the reader's, which are those of every other surface. */
export function createRights(parts: RightsParts): Rights {
  return {
    mayKnow: (principal, events) => mayKnow(parts, principal, events),
    readable: (principal, uris) => parts.reader.readable(principal, uris),
    async asked(principal, uris) {
      for (const outcome of ['success', 'denied'] as const) {
        const own = uris.filter(({ granted }) => granted === (outcome === 'success'));
        if (own.length > 0) await auditAsked(parts, principal, outcome, own);
      }
    },
    withheld: (deliveries) => withheld(parts, deliveries),
    told: (deliveries) => told(parts, deliveries),
  };
}

function auditAsked(
  { audit }: RightsParts,
  principal: Principal,
  outcome: 'success' | 'denied',
  uris: readonly { readonly uri: string }[],
): Promise<void> {
  const what = uris.map(({ uri }) => ({ uri }));
  const why = 'view permissions by check';
  const correlationId = randomId();
  return audit.append({ action: 'subscribe', outcome, correlationId, principal, what, why });
}

async function mayKnow(
  parts: RightsParts,
  principal: Principal,
  events: readonly GatewayEvent[],
): Promise<boolean[]> {
  const own = events.filter(({ tenant }) => tenant === principal.tenant);
  const [inVariant, inAny] = [own.filter(hasVariant), own.filter((event) => !hasVariant(event))];
  const [variants, readable] = await Promise.all([
    granted(inVariant, (uris) => parts.reader.variants(principal, uris)),
    granted(inAny, (uris) => parts.reader.readable(principal, uris)),
  ]);
  return events.map((event) => {
    if (event.tenant !== principal.tenant) return false;
    if (event.needs === undefined) return true;
    if (!hasVariant(event)) return readable.get(event.needs) === true;
    const variant = variants.get(event.needs) ?? null;
    if (event.variant === variant) return true;
    return variant === 'minimal' && event.variant === 'general' && changedMinimal(parts, event);
  });
}

function hasVariant({ variant }: GatewayEvent): boolean {
  return variant !== undefined;
}

/** What was answered of each URI that the events need. */
async function granted<Answer>(
  events: readonly GatewayEvent[],
  ask: (uris: readonly string[]) => Promise<Answer[]>,
): Promise<ReadonlyMap<string, Answer>> {
  const uris = [...new Set(events.flatMap(({ needs }) => needs ?? []))];
  if (uris.length === 0) return new Map();
  const answers = (await ask(uris)).values();
  return new Map([...answers].map((answer, index) => [uris[index] ?? '', answer]));
}

/**
 * The topic has no events of the minimal variant. It changes only where the general one does, but
 * not whenever it does: the view knows whether this time.
 */
function changedMinimal({ reader }: RightsParts, { uri = '', place }: GatewayEvent): boolean {
  return reader
    .recentChanges([uri], LIMITS.recentChangesMs)
    .some((change) => change.variant === 'minimal' && change.place.offset === place?.offset);
}

/** One record for each principal, document and type: a replay may hold hundreds. */
async function withheld({ audit }: RightsParts, deliveries: readonly Delivery[]): Promise<void> {
  const groups = Map.groupBy(deliveries, ({ principal, event: { type, uri, needs } }) =>
    JSON.stringify([principalKey(principal), type, uri ?? needs]),
  );
  const records = [...groups.values()].map(async (group) => {
    const [first] = group;
    if (first === undefined) return;
    const { principal, event } = first;
    const uri = event.uri ?? event.needs;
    await audit.append({
      ...{ action: 'notify', outcome: 'denied', correlationId: randomId(), principal },
      ...{ what: uri === undefined ? [] : [{ uri }], count: group.length },
      why: `not told, expired: ${event.type}`,
    });
  });
  await Promise.all(records);
}

/** The audit first, then the floor: told of a change, nobody reads older data afterwards. */
async function told(parts: RightsParts, deliveries: readonly Delivery[]): Promise<void> {
  const entries = notifiedEntries(
    deliveries.map(({ principal, connection, event }) => {
      const { uri, needs, variant, etag } = event;
      const what = {
        uri: uri ?? needs ?? '',
        ...(variant !== undefined && { variant }),
        ...(etag !== undefined && etag !== '' && { etag }),
      };
      return { stream: connection, principal, what };
    }),
  );
  await Promise.all(entries.map((entry) => parts.audit.append(entry)));
  await Promise.all(
    deliveries.map(({ principal, event: { uri, place } }) =>
      uri !== undefined && place?.epoch === parts.view.epoch
        ? parts.floors.raise(principal, uri, place)
        : undefined,
    ),
  );
}

/** When the view of this instance shows the fact, or `readWaitMs` later: a read then says more. */
export function readyIn(
  { view, readWaitMs }: Pick<RightsParts, 'view' | 'readWaitMs'>,
  clock: Pick<Clock, 'monotonic'>,
): Ready {
  return ({ place }, since) => {
    if (place === undefined || place.epoch !== view.epoch) return undefined;
    const { partition, offset } = place;
    if (partition >= view.partitions) return undefined;
    if (view.for(partition).applied(partition) >= offset) return undefined;
    const leftMs = readWaitMs - (clock.monotonic() - since);
    if (leftMs <= 0) return undefined;
    return view.waitFor({ partition, offset }, leftMs).then(nothing, nothing);
  };
}

function nothing(): void {}
