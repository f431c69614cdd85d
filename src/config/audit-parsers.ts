import { type Parse, Wrong } from './parsers.ts';

const LOOPBACK: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

/** A path, or the URL of a witness; `http:` only on this machine. */
export const auditWitness: Parse<string> = (text) => {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    if (text === '' || text.length > 4_096) throw new Wrong('must be a directory or an https: URL');
    return text;
  }
  const url = URL.parse(text);
  const safe =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.includes(url.hostname));
  if (url === null || !safe) throw new Wrong('must be an https: URL, or a directory');
  if (url.username !== '' || url.search !== '' || url.hash !== '') {
    throw new Wrong('must be a URL without user, query and fragment');
  }
  return url.href;
};
