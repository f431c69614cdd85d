import { modernMessage, type RawAnswer, rawRequest } from './raw.ts';
import type { TestServer } from './server.ts';

export interface RpcMessage {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: Readonly<Record<string, unknown>>;
  };
}

export interface Asked {
  readonly answer: RawAnswer;
  readonly message: RpcMessage;
}

/** One stateless MCP request (2026-07-28) and the whole HTTP answer. */
export async function ask(
  server: TestServer,
  token: string,
  method: string,
  params: Readonly<Record<string, unknown>>,
  meta: Readonly<Record<string, unknown>> = {},
): Promise<Asked> {
  const name = params.uri ?? params.name;
  const message = modernMessage(method, params, typeof name === 'string' ? name : undefined);
  const body = JSON.parse(message.body) as { params: { _meta: object } };
  Object.assign(body.params._meta, meta);
  const answer = await rawRequest(server.url, {
    headers: [...hostAndToken(server, token), ...message.headers],
    body: JSON.stringify(body),
  });
  return { answer, message: messageOf(answer.text) };
}

/** The result of a request; fails on a refusal. */
export async function resultOf(
  server: TestServer,
  token: string,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  meta: Readonly<Record<string, unknown>> = {},
): Promise<Readonly<Record<string, unknown>>> {
  const { answer, message } = await ask(server, token, method, params, meta);
  if (message.result === undefined) throw new Error(`${method}: ${answer.text.slice(0, 300)}`);
  return message.result;
}

export function hostAndToken(server: TestServer, token: string): [string, string][] {
  return [
    ['Host', new URL(server.url).host],
    ['Authorization', `Bearer ${token}`],
  ];
}

/** The document of a read, as the server sent it; fails on a refusal. */
export async function readDocument(
  server: TestServer,
  token: string,
  uri: string,
  meta: Readonly<Record<string, unknown>> = {},
): Promise<TwinDocument> {
  const { answer, message } = await ask(server, token, 'resources/read', { uri }, meta);
  const contents = message.result?.contents as { text: string }[] | undefined;
  const text = contents?.[0]?.text;
  if (text === undefined) throw new Error(`${uri}: ${answer.status} ${answer.text.slice(0, 300)}`);
  return JSON.parse(text) as TwinDocument;
}

export interface TwinDocument {
  readonly uri: string;
  readonly etag: string;
  readonly position: string;
  readonly asOf: string;
  readonly section: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly notices: readonly string[];
}

/** The result of a tool, failed ones included. */
export async function callTool(
  server: TestServer,
  token: string,
  name: string,
  args: Readonly<Record<string, unknown>>,
  meta: Readonly<Record<string, unknown>> = {},
): Promise<CalledTool> {
  const params = { name, arguments: args };
  const { answer, message } = await ask(server, token, 'tools/call', params, meta);
  if (message.result === undefined) throw new Error(answer.text.slice(0, 300));
  const { content, isError, structuredContent, _meta } = message.result as {
    content: { text: string }[];
    _meta?: Record<string, unknown>;
    isError?: boolean;
    structuredContent?: Record<string, unknown>;
  };
  return {
    failed: isError === true,
    text: content[0]?.text ?? '',
    structured: structuredContent ?? {},
    meta: _meta ?? {},
  };
}

export interface CalledTool {
  readonly failed: boolean;
  readonly text: string;
  readonly structured: Readonly<Record<string, unknown>>;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** A JSON answer, or the first message of an event stream. */
export function messageOf(text: string): RpcMessage {
  const json = text.startsWith('{') ? text : (/^data: (\{.*)$/m.exec(text)?.[1] ?? '{}');
  return JSON.parse(json) as RpcMessage;
}
