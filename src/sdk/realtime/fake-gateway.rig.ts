import type { ClientMessage, EventFrame, ServerMessage } from '../../contract/frames.ts';
import type { SocketLike } from './types.ts';

/** One socket of the client, played from the other side. */
export class FakeSocket implements SocketLike {
  readyState = 0;
  readonly url: string;
  readonly protocols: readonly string[];
  readonly heard: ClientMessage[] = [];
  readonly #listeners: { type: string; listener: (event: never) => void }[] = [];

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.push({ type, listener });
  }
  send(text: string): void {
    this.heard.push(JSON.parse(text) as ClientMessage);
  }
  close(): void {
    this.drop(1000);
  }

  open(): void {
    this.readyState = 1;
    this.#tell('open', {});
  }
  say(...messages: readonly ServerMessage[]): void {
    for (const message of messages) this.sayText(JSON.stringify(message));
  }
  sayText(data: unknown): void {
    this.#tell('message', { data });
  }
  drop(code = 1006): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.#tell('close', { code });
  }
  welcome(heartbeatMs = 25_000): void {
    this.open();
    const tokenExpiresAt = '2026-11-30T12:00:00Z';
    this.say({ type: 'welcome', protocol: 1, connection: '1.1', heartbeatMs, tokenExpiresAt });
  }
  /** What was said of one kind. */
  said<T extends ClientMessage['type']>(type: T): Extract<ClientMessage, { type: T }>[] {
    return this.heard.filter((one): one is Extract<ClientMessage, { type: T }> => {
      return one.type === type;
    });
  }

  #tell(type: string, event: object): void {
    for (const one of this.#listeners) {
      if (one.type === type) (one.listener as (event: object) => void)(event);
    }
  }
}

export function fakeGateway() {
  const sockets: FakeSocket[] = [];
  class Socket extends FakeSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      sockets.push(this);
    }
  }
  return {
    WebSocket: Socket,
    sockets,
    /** The newest one. */
    get socket(): FakeSocket {
      const last = sockets.at(-1);
      if (last === undefined) throw new Error('no socket was opened');
      return last;
    },
  };
}

/** Whatever has no timer has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

export function eventFrame(offset: number, more: Partial<EventFrame> = {}): EventFrame {
  return {
    ...{ id: `e${offset}`, type: 'call.join', topic: 'call-notifications', subscription: 's1' },
    ...{ stream: 'member:demo-ana', epoch: 'one', offset, time: '2026-11-30T10:00:00Z' },
    ...more,
  };
}
