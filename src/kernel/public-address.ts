import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIPv4, isIPv6, type LookupFunction } from 'node:net';

/**
 * Addresses that are no public unicast (RFC 6890 and the IANA special-purpose registries): whoever
 * names one wants this server to ask a neighbour for something.
 */
const SPECIAL = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  SPECIAL.addSubnet(network, prefix, 'ipv4');
}

/** Global unicast (RFC 4291 §2.4), without what is special in it: all else of IPv6 is refused. */
const GLOBAL6 = new BlockList();
GLOBAL6.addSubnet('2000::', 3, 'ipv6');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
] as const) {
  SPECIAL.addSubnet(network, prefix, 'ipv6');
}

/** Whether an address, as the resolver or a socket gives it, is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !SPECIAL.check(address, 'ipv4');
  // A zone, or IPv4 within IPv6, is in no public network by its form.
  if (!isIPv6(address) || address.includes('%')) return false;
  return GLOBAL6.check(address, 'ipv6') && !SPECIAL.check(address, 'ipv6');
}

export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || (isIPv4(address) && address.startsWith('127.'));
}

export type Resolve = (
  host: string,
  answer: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

const systemResolve: Resolve = (host, answer) =>
  lookup(host, { all: true, verbatim: true }, answer);

/**
 * A look-up for `node:http`: what a name means is checked in the very look-up that the connection is
 * made with, so it cannot mean one thing when it is checked and another when it is used. Every address
 * of the name must do: one that is private beside a public one is an attack.
 */
export function lookupOf(
  may: (address: string) => boolean,
  refused: () => Error,
  resolve: Resolve = systemResolve,
): LookupFunction {
  return (name, { all }, answer) => {
    resolve(name, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) {
        answer(error ?? new Error('no address'), '', 0);
      } else if (!addresses.every(({ address }) => may(address))) answer(refused(), '', 0);
      else if (all === true) answer(null, addresses);
      else answer(null, first.address, first.family);
    });
  };
}
