/** Streams without sockets: what they are sent is kept, and they can be made to wait. */

import type { Variant } from '../../../contract/documents.ts';
import { systemClock } from '../../../kernel/clock.ts';
import { createFloors } from '../../../twin/floors.ts';
import type { AccessChange, AuditEntry, Principal, ViewChange } from '../../../twin/ports.ts';
import { createPositionCodec } from '../../../twin/position.ts';
import type { Reader } from '../../../twin/reader/index.ts';
import type { McpParts } from '../../parts.ts';
import type { Sink, StreamState, Update } from '../stream.ts';

export function principal(subject: string, more: Partial<Principal> = {}): Principal {
  return {
    kind: 'user',
    subject,
    tenant: 'demo',
    clientId: 'test',
    scopes: new Set(['twin:read', 'twin:subscribe']),
    issuer: 'http://localhost',
    tokenId: `token-of-${subject}`,
    expiresAtMs: Date.now() + 60_000,
    ...more,
  };
}

/** A sink that takes one update at a time, once it is let. */
export function heldSink() {
  const sent: Update[] = [];
  const ended: string[] = [];
  let open = true;
  let release: ((taken: boolean) => void) | undefined;
  let free = false;
  const sink: Sink = {
    ready: () => open,
    send(update) {
      sent.push(update);
      return free ? Promise.resolve(true) : new Promise((resolve) => (release = resolve));
    },
    expired: () => void ended.push('expired'),
    revoked: (uri) => void ended.push(`revoked ${uri}`),
    unverifiable: () => void ended.push('unverifiable'),
  };
  return {
    sink,
    sent,
    ended,
    /** The socket has taken the update that waits, and takes all that come. */
    flow() {
      free = true;
      release?.(true);
    },
    /** The socket closed under the update that waits. */
    drop() {
      open = false;
      release?.(false);
    },
    reopen() {
      open = true;
      free = true;
    },
  };
}

export function streamOf(id: string, owner: Principal, sink: Sink): StreamState {
  const uris = new Map<string, Variant>();
  return { id, principal: owner, sink, uris, pending: new Map(), pumping: false, closed: false };
}

export const COVERAGE = 'mcp://twins/member/ana/coverage';

export function changeOf(uri: string, offset: number, more: Partial<ViewChange> = {}): ViewChange {
  return {
    uri,
    tenant: 'demo',
    subject: { kind: 'member', id: 'ana' },
    section: 'coverage',
    variant: 'general',
    etag: `"${String(offset).padStart(22, '0')}"`,
    kind: 'updated',
    place: { partition: 0, offset },
    at: Date.now(),
    ...more,
  };
}

/** The parts of the room, with permissions as a function that a test can change. */
export function rig() {
  const audited: AuditEntry[] = [];
  const reported: unknown[] = [];
  const changed = new Set<(changes: readonly ViewChange[]) => void>();
  const accessed = new Set<(change: AccessChange) => void>();
  let may: (owner: Principal, uri: string) => Variant | null = () => 'general';
  let recent: ViewChange[] = [];
  let feedNews = false;
  let checks = 0;
  const reader = {
    variants: async (owner: Principal, uris: readonly string[]) => {
      checks += 1;
      return uris.map((uri) => may(owner, uri));
    },
    readLast: () => undefined,
    feedHasNews: async (_: unknown, uri: string) => feedNews && uri.includes('/changes/'),
    hasLost: async () => feedNews,
    recentChanges: (uris: readonly string[]) => recent.filter(({ uri }) => uris.includes(uri)),
  } as unknown as Reader;
  const listenTo =
    <T>(listeners: Set<(value: T) => void>) =>
    (listener: (value: T) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
  const parts = {
    reader,
    audit: { append: async (entry: AuditEntry) => void audited.push(entry) },
    bus: { publish: () => undefined, subscribe: listenTo(changed) },
    access: { onChange: listenTo(accessed) },
    clock: systemClock,
    floors: createFloors(),
    positions: createPositionCodec(new Uint8Array(32)),
    epoch: () => 'aaaaaaaa',
    report: (error: unknown) => void reported.push(error),
  } as unknown as McpParts;
  return {
    parts,
    audited,
    reported,
    get checks() {
      return checks;
    },
    allow(decide: typeof may) {
      may = decide;
    },
    remember(changes: ViewChange[]) {
      recent = changes;
    },
    feed(news: boolean) {
      feedNews = news;
    },
    change(...changes: ViewChange[]) {
      for (const listener of changed) listener(changes);
    },
    accessChange(change: AccessChange) {
      for (const listener of accessed) listener(change);
    },
  };
}

/** Until all that was started without being awaited has settled. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
