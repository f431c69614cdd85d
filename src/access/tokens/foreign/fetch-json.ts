import { LIMITS } from '../../../kernel/limits.ts';

/** The issuer does not answer, or says that it cannot at the moment: later it may. */
export class IssuerAway extends Error {
  override readonly name = 'IssuerAway';
  /** Whether anybody answered at all. */
  readonly answered: boolean;

  constructor(what: string, answered: boolean, cause?: unknown) {
    super(what, { cause });
    this.answered = answered;
  }
}

/** What the issuer answers will not do, and asking again gives the same. */
export class IssuerWrong extends Error {
  override readonly name = 'IssuerWrong';
  /** What to do about it. */
  readonly mend: string;

  constructor(what: string, mend: string) {
    super(what);
    this.mend = mend;
  }
}

/** It answers that it has no key at all that tokens could be signed with. */
export class NoKeys extends IssuerWrong {}

export interface IssuerAnswer {
  readonly status: number;
  /** `undefined` unless the status is 200. */
  readonly json: unknown;
  /** What its clock said, in whole seconds as milliseconds; NaN where it said nothing. */
  readonly dateMs: number;
}

/** Asks the issuer; its addresses come from the configuration and its own metadata alone. */
export type AskIssuer = (url: string) => Promise<IssuerAnswer>;

/**
 * One GET: bounded in time and size, without redirects, which would let whoever answers choose
 * whose keys we trust.
 * @throws IssuerAway, IssuerWrong; neither holds a word of the answer
 */
export async function askIssuer(url: string): Promise<IssuerAnswer> {
  const signal = AbortSignal.timeout(LIMITS.foreignIssuer.timeoutMs);
  const headers = { accept: 'application/json' };
  const answer = await fetch(url, { headers, redirect: 'manual', signal }).catch((cause) => {
    throw new IssuerAway('does not answer', false, cause);
  });
  const { status } = answer;
  const dateMs = Date.parse(answer.headers.get('date') ?? '');
  if (status === 200) return { status, json: await jsonOf(answer), dateMs };
  await answer.body?.cancel();
  if (status >= 500 || status === 429) throw new IssuerAway(`answers ${status}`, true);
  return { status, json: undefined, dateMs };
}

async function jsonOf(answer: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of answer.body ?? []) {
      length += chunk.length;
      if (length > LIMITS.foreignIssuer.answerBytesMax) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new IssuerAway('stops in the middle of its answer', false, cause);
  }
  if (length > LIMITS.foreignIssuer.answerBytesMax) throw tooLarge();
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    return JSON.parse(text) as unknown;
  } catch {
    throw new IssuerWrong('answers what is not JSON', SEE_ADDRESS);
  }
}

const SEE_ADDRESS = 'see that OAUTH_ISSUER is the address of the issuer itself';

function tooLarge(): IssuerWrong {
  const what = `answers more than ${LIMITS.foreignIssuer.answerBytesMax} bytes`;
  return new IssuerWrong(what, SEE_ADDRESS);
}
