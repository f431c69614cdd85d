import { isIP } from 'node:net';

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Whether webhooks may go to this URL at all, before any name is resolved (security.md §6, 107): https,
 * a name and no address, on the standard port; outside production also a port of this machine by http.
 * @returns the rule that it breaks, in our words
 */
export function refusalOfWebhook(text: string, loopback: boolean): string | undefined {
  const url = URL.parse(text);
  if (url === null || url.href !== text) return 'is no URL in its canonical form';
  if (url.username !== '' || url.password !== '') return 'names a user';
  if (url.hash !== '') return 'has a fragment';
  if (isOnLoopback(url)) return loopback ? undefined : 'is on this machine';
  if (url.protocol !== 'https:') return 'is not https';
  if (isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0) return 'names an address and no host';
  const { hostname: host } = url;
  if (!host.includes('.') || host.endsWith('.') || host.endsWith('.localhost')) {
    return 'names no public host';
  }
  return url.port === '' ? undefined : 'names a port';
}

export function isOnLoopback({ hostname }: URL): boolean {
  return LOOPBACK.includes(hostname);
}
