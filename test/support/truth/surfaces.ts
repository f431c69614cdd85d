import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { Bridge } from '../../../src/cli/stdio/bridge.ts';
import { fixedUpstream } from '../../../src/cli/stdio/upstream.ts';
import { sleep } from '../../../src/kernel/clock.ts';
import { ask, callTool, messageOf, type RpcMessage } from '../ask.ts';
import { modernMessage } from '../raw.ts';
import type { TestServer } from '../server.ts';
import { SECTIONS, type Section } from './meaning.ts';

/** What a surface shows of each section: its etag, or how it refuses. */
export type Shown = Readonly<Record<Section, string>>;

export type Surface = (server: TestServer, token: string, member: string) => Promise<Shown>;

const uriOf = (member: string, section: string) => `mcp://twins/member/${member}/${section}`;

/** A busy SpiceDB says "later", which is neither yes nor no. */
const LATER = /ACCESS_UNAVAILABLE/;
const TRIES = 10;

async function eachSection(read: (section: Section) => Promise<string>): Promise<Shown> {
  const readSoon = async (section: Section): Promise<string> => {
    for (let tries = 1; ; tries += 1) {
      const shown = await read(section);
      if (!LATER.test(shown) || tries === TRIES) return shown;
      await sleep(tries * 200);
    }
  };
  const shown = await Promise.all(
    SECTIONS.map(async (name) => [name, await readSoon(name)] as const),
  );
  return Object.fromEntries(shown) as Shown;
}

/** Surfaces that read a document, or say why not. */
export const READS: Readonly<Record<string, Surface>> = {
  'plain HTTP': (server, token, member) =>
    eachSection(async (section) => {
      const response = await server.fetch(token, `/v1/twins/member/${member}/${section}`);
      if (response.ok) return String(response.headers.get('etag'));
      const { error } = (await response.json()) as { error: { code: string } };
      return error.code;
    }),
  'MCP over HTTP': (server, token, member) =>
    eachSection(async (section) => {
      const params = { uri: uriOf(member, section) };
      const { answer, message } = await ask(server, token, 'resources/read', params);
      return outcomeOf(message) ?? refusalOf(answer.text);
    }),
  'MCP over stdio': async (server, token, member) => {
    const bridge = openBridge(server.url, token);
    const shown = await eachSection(async (section) => {
      const message = await bridge.ask('resources/read', { uri: uriOf(member, section) });
      return outcomeOf(message) ?? refusalOf(JSON.stringify(message));
    });
    await bridge.close();
    return shown;
  },
};

/** Surfaces that leave out what may not be read. */
export const LISTS: Readonly<Record<string, Surface>> = {
  search: async (server, token, member) => {
    const args = { query: QUERY, member, limit: 50, budget: 20_000 };
    const { structured, failed } = await callTool(server, token, 'search', args);
    if (failed) return eachSection(async () => 'absent');
    const results = structured.results as { uri: string; etag: string }[];
    return eachSection(async (section) => {
      const prefix = uriOf(member, section);
      const own = results.filter(({ uri }) => uri === prefix || uri.startsWith(`${prefix}/`));
      return own.find(({ uri }) => uri === prefix)?.etag ?? (own.length > 0 ? 'found' : 'absent');
    });
  },
  'the change feed': async (server, token, member) => {
    const etags = new Map<string, string>();
    for (let cursor = 'start', more = true; more; ) {
      const response = await server.fetch(token, `/v1/changes?cursor=${cursor}`);
      if (!response.ok) break;
      const page = (await response.json()) as Page;
      for (const { uri, etag } of page.changes) etags.set(uri, etag);
      [cursor, more] = [page.next, page.more];
    }
    return eachSection(async (section) => etags.get(uriOf(member, section)) ?? 'absent');
  },
};

/** Words of each section's own records and documents. */
const QUERY = 'Dov profile address coverage plan care team claim paid condition blood pressure';

interface Page {
  readonly changes: readonly { readonly uri: string; readonly etag: string }[];
  readonly next: string;
  readonly more: boolean;
}

function outcomeOf({ result }: RpcMessage): string | undefined {
  const [content] = (result?.contents ?? []) as { text: string }[];
  return content && (JSON.parse(content.text) as { etag: string }).etag;
}

/** The code that stands in a refusal, wherever its surface puts it. */
function refusalOf(text: string): string {
  return (
    /INSUFFICIENT_SCOPE|insufficient_scope|PURPOSE_REFUSED|NOT_FOUND|-32602/.exec(text)?.[0] ?? text
  );
}

/** The bridge of `digital-twin stdio` on streams of our own: its frames, without its process. */
function openBridge(url: string, token: string) {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const messages: RpcMessage[] = [];
  let rest = '';
  let lastId = 0;
  stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    messages.push(...lines.map(messageOf));
  });
  const bridge = new Bridge(fixedUpstream(url, token), () => undefined);
  const ended = bridge.serve(new StdioServerTransport(stdin, stdout));
  return {
    async ask(method: string, params: Readonly<Record<string, unknown>>): Promise<RpcMessage> {
      lastId += 1;
      const id = lastId;
      const message = JSON.parse(modernMessage(method, params).body) as object;
      stdin.write(`${JSON.stringify({ ...message, id })}\n`);
      const deadline = Date.now() + ANSWERED_WITHIN_MS;
      for (;;) {
        const found = messages.find((heard) => heard.id === id && heard.method === undefined);
        if (found !== undefined) return found;
        assert.ok(Date.now() < deadline, 'the bridge has not answered');
        await sleep(2);
      }
    },
    async close(): Promise<void> {
      await bridge.close();
      await ended;
    },
  };
}

const ANSWERED_WITHIN_MS = 15_000;
