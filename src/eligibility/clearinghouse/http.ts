import type { Json } from '../../kernel/json.ts';
import type { Reached } from '../ports.ts';

export interface HttpSettings {
  /** Of the whole call, milliseconds. */
  readonly timeoutMs: number;
  readonly apiKey: string;
}

export type Reply =
  | { readonly kind: 'reply'; readonly status: number; readonly text: string }
  | {
      readonly kind: 'none';
      readonly why: 'time-out' | 'connection' | 'unreadable' | 'aborted';
      readonly reached: Reached;
    };

/** The largest published answer has 30 KB; a page of a batch has 200 of them. */
const REPLY_BYTES_MAX = 64_000_000;

/** One request; never throws. What may have left counts as having reached the payer. */
export async function ask(
  settings: HttpSettings,
  url: URL,
  { body, signal }: { readonly body?: Json; readonly signal?: AbortSignal | undefined } = {},
): Promise<Reply> {
  const ends = AbortSignal.timeout(settings.timeoutMs);
  if (signal?.aborted) return { kind: 'none', why: 'aborted', reached: 'no' };
  try {
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: settings.apiKey,
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // The key goes to the address that was configured, and nowhere else.
      redirect: 'manual',
      signal: signal === undefined ? ends : AbortSignal.any([ends, signal]),
    });
    const text = await textOf(response);
    if (text === undefined) return { kind: 'none', why: 'unreadable', reached: 'maybe' };
    return { kind: 'reply', status: response.status, text };
  } catch (error) {
    if (ends.aborted) return { kind: 'none', why: 'time-out', reached: 'maybe' };
    if (signal?.aborted) return { kind: 'none', why: 'aborted', reached: 'maybe' };
    return { kind: 'none', why: 'connection', reached: didLeave(error) ? 'maybe' : 'no' };
  }
}

async function textOf(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).length;
    if (bytes > REPLY_BYTES_MAX) return undefined;
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Codes of a connection that was never there: then nothing has left. */
const NEVER_THERE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function didLeave(error: unknown): boolean {
  const causes = [error, (error as { cause?: unknown })?.cause];
  const codes = causes.map((one) => String((one as { code?: unknown })?.code ?? ''));
  return !codes.some((code) => NEVER_THERE.has(code) || /^(ERR_TLS|CERT_|DEPTH_|SELF_)/.test(code));
}
