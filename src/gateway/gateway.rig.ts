import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../kernel/clock.ts';
import { Fault } from '../kernel/errors.ts';
import { createChangeBus } from '../twin/change-bus.ts';
import type { AuditEntry, View } from '../twin/ports.ts';
import { createPositionCodec } from '../twin/position.ts';
import type { Reader } from '../twin/reader/index.ts';
import { createGateway } from './index.ts';
import { NOT_COUNTED } from './metrics.ts';
import { principalOf } from './streams/hub.rig.ts';

/**
 * The gateway behind a listener, with a reader that grants a member's sections to the subject of the
 * same name, and a token that is that name, with a scope and a life if need be: `ana~none~5`.
 */
export async function gatewayRig(
  at: { readonly port: number; readonly reusePort?: boolean } = { port: 0 },
) {
  const audited: AuditEntry[] = [];
  const reader: Pick<
    Reader,
    'variants' | 'readable' | 'ownMembers' | 'recentChanges' | 'feedAfter' | 'read'
  > = {
    readable: async (principal, uris) =>
      uris.map((uri) => uri.startsWith(`mcp://twins/member/${principal.subject}/`)),
    variants: async (principal, uris) =>
      (await reader.readable(principal, uris)).map((readable) => (readable ? 'general' : null)),
    ownMembers: async ({ principal }) => [principal.subject],
    recentChanges: () => [],
    feedAfter: () => 'mcp://twins/changes/start',
    read: async () => {
      throw new Fault('NOT_FOUND');
    },
  };
  const view = { epoch: 'abcdefgh', partitions: 0 } as View;
  const report = (error: unknown): void => {
    throw error;
  };
  const gateway = createGateway({
    ...{ redis: undefined, view, report, metrics: NOT_COUNTED, clock: systemClock },
    reader: reader as Reader,
    bus: createChangeBus(report),
    access: { onChange: () => () => undefined },
    audit: { append: async (entry) => void audited.push(entry) },
    floors: { raise: async () => undefined },
    positions: createPositionCodec(new Uint8Array(32)),
    readWaitMs: 100,
  });
  gateway.open(async (token) => {
    const [subject = '', scope = 'twin:subscribe', seconds = '3600'] = token.split('~');
    if (!/^[a-z0-9-]+$/.test(subject)) throw new Fault('UNAUTHENTICATED');
    const scopes = new Set(['twin:read', scope]);
    return principalOf(subject, { scopes, expiresAtMs: Date.now() + Number(seconds) * 1_000 });
  });
  for (const service of gateway.services) await service.start();
  const server = createServer();
  server.on('upgrade', (...given) => gateway.upgrade(...given));
  await new Promise<void>((resolve) => {
    server.listen({ host: '127.0.0.1', backlog: 4_096, ...at }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    ...{ gateway, audited, url: `http://127.0.0.1:${port}` },
    async stop() {
      server.close();
      await gateway.drain();
      for (const service of gateway.services.toReversed()) await service.stop();
    },
  };
}
