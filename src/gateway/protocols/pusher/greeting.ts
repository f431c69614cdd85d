import type { UpgradeRequest } from '../../ports.ts';
import type { PusherApp, PusherApps } from './apps.ts';
import { CLOSE, type Close, PROTOCOLS } from './codes.ts';

export interface Greeted {
  readonly app: PusherApp;
  readonly protocol: number;
  /** As it calls itself: `js`, `java-client`, `pusher-websocket-swift`. */
  readonly client: string;
}

const PATH = /^\/app\/([A-Za-z0-9_-]{1,64})$/;

/** Who comes, by path and query (realtime.md §2.1), or the code with which it is sent away. */
export function greet(
  apps: PusherApps,
  { path, query }: Pick<UpgradeRequest, 'path' | 'query'>,
): Greeted | { readonly close: Close & (typeof CLOSE)[keyof typeof CLOSE] } {
  const [, key] = PATH.exec(path) ?? [];
  if (key === undefined) return { close: CLOSE.pathUnknown };
  const said = query.get('protocol');
  if (said === null || said === '') return { close: CLOSE.protocolMissing };
  if (!/^\d{1,3}$/.test(said)) return { close: CLOSE.versionInvalid };
  const protocol = Number(said);
  if (!PROTOCOLS.includes(protocol)) return { close: CLOSE.protocolUnsupported };
  const app = apps.byKey(key);
  if (app === undefined) return { close: CLOSE.appUnknown };
  return { app, protocol, client: query.get('client') ?? '' };
}
