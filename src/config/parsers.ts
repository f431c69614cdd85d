import { isIP } from 'node:net';

/** What a setting may not be; the message names the mend. */
export class Wrong extends Error {}

export type Parse<T> = (text: string) => T;

export function oneOf<const T extends string>(...known: T[]): Parse<T> {
  return (text) => {
    const found = known.find((value) => value === text);
    if (found === undefined) throw new Wrong(`must be one of ${known.join(', ')}`);
    return found;
  };
}

/** A whole number in decimal digits alone: no sign, no exponent, no unit. */
export function whole(min: number, max: number): Parse<number> {
  return (text) => {
    const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new Wrong(`must be a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** A comma list of known words, each once. */
export function listOf<const T extends string>(...known: T[]): Parse<readonly T[]> {
  const one = oneOf(...known);
  return (text) => {
    const values = text.split(',').map((word) => one(word.trim()));
    if (new Set(values).size < values.length) throw new Wrong('must name each word once');
    return values;
  };
}

export function host(text: string): string {
  const named = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text);
  if (isIP(text) === 0 && (!named || /^[\d.]+$/.test(text))) {
    throw new Wrong('must be a host name or an IP address to listen on, such as 127.0.0.1');
  }
  return text;
}

/** `https://twin.example.org`: scheme, host and port, and nothing after. */
export function origin(text: string): string {
  const url = URL.parse(text);
  const web = url !== null && (url.protocol === 'http:' || url.protocol === 'https:');
  if (!web || url.origin !== text) {
    throw new Wrong(
      'must be a full origin in lower case without a path, such as https://app.example.org',
    );
  }
  return text;
}

export function origins(text: string): readonly string[] {
  return text.split(',').map((one) => origin(one.trim()));
}

export function text(charsMax: number): Parse<string> {
  return (value) => {
    const printable = [...value].every((char) => char >= ' ' && char !== '\u007f');
    if (value.length > charsMax || !printable) {
      throw new Wrong(`must be at most ${charsMax} characters, without control characters`);
    }
    return value;
  };
}

/** 32 bytes in base64url, as `openssl rand -base64 32 | tr '+/' '-_' | tr -d =` gives them. */
export function backupKey(value: string): string {
  if (/^[A-Za-z0-9_-]{43}$/.test(value)) return value;
  throw new Wrong('must be 32 random bytes in base64url: 43 characters');
}
