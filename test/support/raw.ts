import { request } from 'node:http';
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  PROTOCOL_VERSION_META_KEY,
} from '@modelcontextprotocol/server';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  /** Name and value, in order and as often as given; `Host` is sent only when it is here. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: string | Uint8Array;
}

/** One HTTP exchange with exactly these headers: what a client library would not send. */
export function rawRequest(url: string, ask: RawRequest): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const req = request(
      {
        hostname,
        port,
        method: ask.method ?? 'POST',
        path: ask.path ?? '/mcp',
        headers: ask.headers.flat(),
        setHost: false,
        agent: false,
      },
      (res) => {
        let text = '';
        res.setEncoding('utf8');
        res.on('data', (chunk: string) => {
          text += chunk;
          // A stream that stays open has said enough once it said something.
          if (res.headers['content-type']?.startsWith('text/event-stream')) res.destroy();
        });
        res.on('close', () => {
          resolve({ status: res.statusCode ?? 0, headers: res.headers, text });
        });
      },
    );
    req.on('error', reject);
    req.end(ask.body);
  });
}

/** A 2026-07-28 message with its headers, for one method and params. */
export function modernMessage(
  method: string,
  params: Readonly<Record<string, unknown>>,
  name?: string,
): { headers: [string, string][]; body: string } {
  const meta = {
    [PROTOCOL_VERSION_META_KEY]: '2026-07-28',
    [CLIENT_INFO_META_KEY]: { name: 'attacker', version: '1' },
    [CLIENT_CAPABILITIES_META_KEY]: {},
  };
  const message = { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } };
  return {
    headers: [
      ['Content-Type', 'application/json'],
      ['Accept', 'application/json, text/event-stream'],
      ['MCP-Protocol-Version', '2026-07-28'],
      ['Mcp-Method', method],
      ...(name === undefined ? [] : [['Mcp-Name', headerValue(name)] as [string, string]]),
    ],
    body: JSON.stringify(message),
  };
}

/** MCP's `=?base64?…?=` form for what a header cannot carry (Streamable HTTP, request metadata). */
function headerValue(text: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)) return text;
  return `=?base64?${Buffer.from(text, 'utf8').toString('base64')}?=`;
}
