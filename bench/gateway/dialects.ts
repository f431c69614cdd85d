/** What the same generator says to different servers, and how it takes what they say. */

export interface Place {
  readonly epoch: string;
  readonly offset: number;
}

export interface Ear {
  /** @param recovered whether nothing was lost since the place that was named, where one was */
  subscribed(place: Place | undefined, recovered: boolean | undefined): void;
  /** @param n number of the event, as it was published */
  event(n: number, offset: number | undefined): void;
  refused(message: string): void;
  answer(message: string): void;
}

export interface Dialect {
  address(url: string, token: string): string;
  /** Said once the connection is open: who it is, and the one subscription. */
  first(channel: string, token: string, since: Place | undefined): string;
  /** Another subscription, to a channel of everybody. */
  more(channel: string): string;
  hear(text: string, ear: Ear): void;
}

const ID = '"id":"b-';

/** Looked for, not parsed: so much of the generator's time would go there. */
function numberIn(text: string): number | undefined {
  const at = text.indexOf(ID);
  return at < 0 ? undefined : Number.parseInt(text.slice(at + ID.length, at + ID.length + 12), 10);
}

function offsetIn(text: string): number | undefined {
  const at = text.lastIndexOf('"offset":');
  return at < 0 ? undefined : Number.parseInt(text.slice(at + 9, at + 29), 10);
}

function eventIn(text: string, ear: Ear): void {
  const n = numberIn(text);
  if (n !== undefined) ear.event(n, offsetIn(text));
}

/** `/v1/ws` (docs/gateway.md). */
export const OURS: Dialect = {
  address: (url, token) => `${url}?token=${token}`,
  first: (member, _, since) => subscribeOurs('s', member, since),
  more: (member) => subscribeOurs('more', member, undefined),
  hear(text, ear) {
    if (text.startsWith('{"type":"subscribed"') || text.startsWith('{"type":"gap"')) {
      const frame = JSON.parse(text) as StartedFrame & { readonly streams?: StartedFrame[] };
      const { epoch, offset, recovered } = frame.streams?.[0] ?? frame;
      ear.subscribed({ epoch, offset }, recovered);
    } else if (text.startsWith('{"type":"error"')) ear.refused(text);
    else eventIn(text, ear);
  },
};

interface StartedFrame extends Place {
  readonly recovered: boolean;
}

function subscribeOurs(id: string, member: string, since: Place | undefined): string {
  const filters = { field: 'member', eq: member };
  const message = { type: 'subscribe', id, topics: ['call-notifications'], filters };
  return JSON.stringify({ ...message, ...(since !== undefined && { since }) });
}

/**
 * Centrifugo's bidirectional protocol, version 2, as JSON (centrifugal.dev, "Client protocol"): each
 * command with an id of its own, an empty object as ping and pong, messages joined by new lines.
 */
export const CENTRIFUGO: Dialect = {
  address: (url) => url,
  first(channel, token, since) {
    const connect = JSON.stringify({ id: 1, connect: { token } });
    const recover = since !== undefined && { recover: true, ...since };
    return `${connect}\n${JSON.stringify({ id: 2, subscribe: { channel, ...recover } })}`;
  },
  more: (channel) => JSON.stringify({ id: 3, subscribe: { channel } }),
  hear(text, ear) {
    for (const line of text.split('\n')) hearReply(line, ear);
  },
};

interface Reply {
  readonly error?: object;
  readonly subscribe?: Partial<Place> & {
    readonly was_recovering?: boolean;
    readonly recovered?: boolean;
    readonly publications?: readonly object[];
  };
}

function hearReply(line: string, ear: Ear): void {
  if (line === '{}') ear.answer('{}');
  else if (line.startsWith('{"push":{"channel"')) eventIn(line, ear);
  else if (line.startsWith('{"push"')) ear.refused(line);
  else if (line !== '') {
    const { error, subscribe } = JSON.parse(line) as Reply;
    if (error !== undefined) ear.refused(line);
    if (subscribe === undefined) return;
    const { epoch, offset = 0, publications = [], was_recovering: came, recovered } = subscribe;
    const place = epoch === undefined ? undefined : { epoch, offset };
    ear.subscribed(place, came === true ? (recovered ?? false) : undefined);
    for (const one of publications) eventIn(JSON.stringify(one), ear);
  }
}

/** The stock `ws` server of `peer-floor.ts`: no tokens, nothing kept. */
export const FLOOR: Dialect = {
  address: (url) => url,
  first: (channel) => channel,
  more: (channel) => channel,
  hear(text, ear) {
    if (text === 'subscribed') ear.subscribed(undefined, undefined);
    else eventIn(text, ear);
  },
};
