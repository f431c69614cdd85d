import { Wrong } from './parsers.ts';

export interface SpicedbEndpoint {
  /** `host:port` */
  readonly address: string;
  /** As the scheme said; where none stood, TLS but on loopback. */
  readonly tls: boolean | undefined;
}

/** `spicedb.example.org:50051`, or with `https://` or `http://` before it. */
export function spicedbEndpoint(text: string): SpicedbEndpoint {
  const [, scheme, address = ''] = /^(?:(https?):\/\/)?([^/@?#\s]+:\d{1,5})$/.exec(text) ?? [];
  const url = URL.parse(`tcp://${address}`);
  if (url === null || url.hostname === '' || url.port === '' || url.host !== address) {
    throw new Wrong('must be host:port of a SpiceDB, such as spicedb.example.org:50051');
  }
  return { address, tls: scheme === undefined ? undefined : scheme === 'https' };
}

/** SpiceDB's rule for what stands before the slash of an object type. */
export function spicedbPrefix(text: string): string {
  if (!/^[a-z][a-z0-9_]{1,62}[a-z0-9]$/.test(text)) {
    throw new Wrong('must be 3 to 64 of a-z, 0-9 and _, such as acme for types like acme/member');
  }
  return text;
}
