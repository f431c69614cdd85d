import { randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { ID_PATTERN } from '../../contract/uris.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { base32 } from '../../kernel/ids.ts';
import { LIMITS } from '../../kernel/limits.ts';

/** Who logs in. */
export interface Account {
  readonly subject: string;
  readonly tenant: string;
}

export interface LoginCode {
  readonly code: string;
  readonly expires_in: number;
  readonly as: string;
}

/**
 * Codes for one login each, for whoever holds the key of the server's file: the browser cannot read
 * that file, so the person carries a code from the terminal to the page.
 */
export interface LoginCodes {
  /** @param request `{ as, tenant? }` @throws Fault INVALID_ARGUMENT, RATE_LIMITED */
  make(request: Readonly<Record<string, unknown>>): LoginCode;
  /** Whose code it is; it is used up. `undefined`: of nobody. */
  take(code: string): Account | undefined;
}

const codeRequest = z.strictObject({
  as: z.string().regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 printable characters'),
  tenant: z.string().regex(ID_PATTERN, 'must be an id').default('demo'),
});

interface Open extends Account {
  readonly code: Buffer;
  readonly endsAt: number;
}

/** 60 bits: 12 characters that a hand can copy. */
const CODE_BYTES = 7.5;

export function createLoginCodes(clock: Clock): LoginCodes {
  let open: Open[] = [];
  let wrong = 0;
  const prune = (): void => {
    open = open.filter(({ endsAt }) => endsAt > clock.monotonic());
  };
  return {
    make(request) {
      const parsed = codeRequest.safeParse(request);
      if (!parsed.success) throw refused(parsed.error);
      prune();
      const { codesMax, codeTtlMs } = LIMITS.issuer;
      if (open.length >= codesMax) {
        throw new Fault('RATE_LIMITED', { detail: 'Too many login codes are open; use one.' });
      }
      const { as, tenant } = parsed.data;
      const subject = as.startsWith('user:') ? as.slice('user:'.length) : as;
      const code = base32(randomBytes(Math.ceil(CODE_BYTES))).slice(0, 12);
      const endsAt = clock.monotonic() + codeTtlMs;
      open.push({ subject, tenant, code: Buffer.from(code), endsAt });
      wrong = 0;
      const shown = code.match(/.{4}/g)?.join('-') ?? code;
      return { code: shown, expires_in: codeTtlMs / 1000, as: subject };
    },
    take(text) {
      prune();
      const given = Buffer.from(text.toLowerCase().replace(/[\s-]/g, ''));
      const found = open.find(
        ({ code }) => code.length === given.length && timingSafeEqual(code, given),
      );
      if (found === undefined) {
        wrong += 1;
        // Somebody guesses: what was open is open no more.
        if (wrong >= LIMITS.issuer.codeTriesMax) open = [];
        return undefined;
      }
      open = open.filter((one) => one !== found);
      return { subject: found.subject, tenant: found.tenant };
    },
  };
}

function refused(error: z.ZodError): Fault {
  const details = error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim());
  return new Fault('INVALID_ARGUMENT', { detail: `No login code: ${details.join('; ')}.` });
}
