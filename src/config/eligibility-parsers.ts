import { isNpi } from '../contract/eligibility.ts';
import { Wrong } from './parsers.ts';

/** The key of the account goes there: by https, or to this machine. */
export function clearinghouseUrl(text: string): string {
  const url = URL.parse(text);
  const loopback = url?.protocol === 'http:' && LOOPBACK.has(url.hostname);
  if (url?.origin === text && (url.protocol === 'https:' || loopback)) return text;
  throw new Wrong('must be an origin by https, or of this machine, without a path');
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

export function npi(text: string): string {
  if (isNpi(text)) return text;
  throw new Wrong('must be a national provider identifier: ten digits with their check digit');
}
