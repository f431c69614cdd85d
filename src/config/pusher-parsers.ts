import { Wrong } from './parsers.ts';

/** One app of Pusher, and as whom we publish there. */
export interface PusherBridge {
  readonly appId: string;
  readonly key: string;
  readonly secret: string;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

const FORM =
  'must be https://key:secret@host[:port]/apps/id, as Pusher shows it; http on loopback alone';
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** @throws Wrong; it never repeats the URL, which holds a secret */
export function pusherBridgeUrl(text: string): PusherBridge {
  const url = URL.parse(text);
  const appId = /^\/apps\/([A-Za-z0-9_-]{1,64})$/.exec(url?.pathname ?? '')?.[1];
  if (url === null || appId === undefined || url.search !== '' || url.hash !== '') {
    throw new Wrong(FORM);
  }
  const { username: key, password: secret, hostname: host, protocol } = url;
  const tls = protocol === 'https:';
  const isAllowed = tls || (protocol === 'http:' && LOOPBACK.has(host));
  const isWhole = [key, secret].every((part) => /^[A-Za-z0-9_-]{1,128}$/.test(part));
  if (!isAllowed || !isWhole) throw new Wrong(FORM);
  return { appId, key, secret, host, port: Number(url.port || (tls ? 443 : 80)), tls };
}

/** Whether what goes to Pusher would come to this server, by the address that clients or we name. */
export function leadsBack(values: {
  readonly PUSHER_BRIDGE_URL?: PusherBridge | undefined;
  readonly PUBLIC_URL?: string | undefined;
  readonly PORT?: number | undefined;
}): boolean {
  const { PUSHER_BRIDGE_URL: bridge, PUBLIC_URL: own, PORT: port } = values;
  if (bridge === undefined) return false;
  const named = own === undefined ? null : URL.parse(own);
  const { host, tls } = bridge;
  const there = new URL(`${tls ? 'https' : 'http'}://${host}:${bridge.port}`);
  if (named !== null && named.host === there.host) return true;
  return LOOPBACK.has(host) && bridge.port === port;
}
