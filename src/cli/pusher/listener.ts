import type { TokenSource } from '../../sdk/index.ts';

/** Where a client of Pusher's protocol connects, and who authorizes its channels. */
export interface PusherPlace {
  readonly host: string;
  readonly port: number;
  readonly appKey: string;
  readonly authURL: string;
}

export interface ListenerParts {
  readonly token: TokenSource;
  readonly event: (name: string, data: string) => void;
  /** Connected and subscribed, or not any more. */
  readonly state: (isListening: boolean) => void;
}

const AGAIN_MS = 1_000;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * A member's private channel by Pusher's protocol 7, as an app has it; comes back after each end.
 * Events of the five of a video visit and of twins come on it alone, so that each comes once.
 */
export function listenToPusher(place: PusherPlace, member: string, parts: ListenerParts) {
  let closed = false;
  let socket: WebSocket | undefined;
  const channel = `private-member-${member}`;
  const secure = place.port !== 80 && !LOOPBACK.has(place.host);
  const url = `${secure ? 'wss' : 'ws'}://${place.host}:${place.port}/app/${place.appKey}`;
  const connect = (): void => {
    if (closed) return;
    socket = new WebSocket(`${url}?protocol=7&client=digital-twin-compare&version=1`);
    socket.addEventListener('message', ({ data }) => {
      hear(String(data)).catch(() => socket?.close());
    });
    socket.addEventListener('close', () => {
      parts.state(false);
      setTimeout(connect, AGAIN_MS);
    });
  };
  const hear = async (text: string): Promise<void> => {
    const frame = JSON.parse(text) as { event: string; channel?: string; data?: unknown };
    const { event, data } = frame;
    if (event === 'pusher:connection_established') {
      const { socket_id: id } = JSON.parse(String(data)) as { socket_id: string };
      const proof = await authorize(place.authURL, parts.token, id, channel);
      socket?.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, ...proof } }));
    } else if (event === 'pusher:ping') {
      socket?.send(JSON.stringify({ event: 'pusher:pong', data: '{}' }));
    } else if (event === 'pusher_internal:subscription_succeeded') {
      parts.state(true);
    } else if (frame.channel === channel && !event.startsWith('pusher')) {
      parts.event(event, typeof data === 'string' ? data : JSON.stringify(data));
    }
  };
  connect();
  return {
    close(): void {
      closed = true;
      socket?.close();
    },
  };
}

async function authorize(
  url: string,
  token: TokenSource,
  socketId: string,
  channel: string,
): Promise<Record<string, unknown>> {
  const bearer = typeof token === 'string' ? token : await token();
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}` },
    body: new URLSearchParams({ socket_id: socketId, channel_name: channel }),
  });
  if (!response.ok) throw new Error(`not authorized: ${response.status}`);
  return (await response.json()) as Record<string, unknown>;
}
