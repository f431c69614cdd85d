import { isIP } from 'node:net';
import { isObject } from '../kernel/json.ts';
import { Wrong } from './parsers.ts';

/** One app of the Pusher face: a tenant's channels, and the keys by which its servers sign. */
export interface PusherAppSettings {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
  readonly tenant: string;
  readonly webhooks: readonly string[];
  readonly subscriptionCount: boolean;
}

const FORM =
  'must be JSON: a list of { "id", "key", "secret", "tenant" }, each with "webhooks" (a list of ' +
  'https: URLs) and "subscriptionCount" (true or false) where wanted';
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const SECRET = /^[\x21-\x7e]{20,256}$/;
const MEMBERS = ['id', 'key', 'secret', 'tenant', 'webhooks', 'subscriptionCount'];
const APPS_MAX = 100;
const WEBHOOKS_MAX = 10;
const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** @throws Wrong; it never repeats the text, which holds secrets */
export function pusherApps(text: string): readonly PusherAppSettings[] {
  const given = listIn(text);
  if (given.length === 0 || given.length > APPS_MAX) throw new Wrong(FORM);
  const apps = given.map(appOf);
  for (const part of ['id', 'key'] as const) {
    const distinct = new Set(apps.map((app) => app[part]));
    if (distinct.size < apps.length) throw new Wrong(`must name each ${part} once`);
  }
  return apps;
}

function listIn(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch {
    // Told below: what the parser says quotes the text.
  }
  throw new Wrong(FORM);
}

function appOf(value: unknown): PusherAppSettings {
  if (!isObject(value)) throw new Wrong(FORM);
  if (Object.keys(value).some((member) => !MEMBERS.includes(member))) throw new Wrong(FORM);
  const { id, key, secret, tenant, webhooks = [], subscriptionCount = false } = value;
  if (!isName(id) || !isName(key) || !isName(tenant)) throw new Wrong(FORM);
  if (typeof secret !== 'string' || !SECRET.test(secret)) {
    throw new Wrong('must have secrets of 20 characters and more, without spaces');
  }
  if (!Array.isArray(webhooks) || webhooks.length > WEBHOOKS_MAX) throw new Wrong(FORM);
  if (typeof subscriptionCount !== 'boolean') throw new Wrong(FORM);
  return { id, key, secret, tenant, webhooks: webhooks.map(webhookOf), subscriptionCount };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

/**
 * A URL of the public internet, by https, a name and the standard port; or of this machine, which
 * production then refuses.
 */
function webhookOf(value: unknown): string {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null || url.href !== value || url.username !== '' || url.hash !== '') {
    throw new Wrong('must have webhooks that are URLs in canonical form, without user or fragment');
  }
  if (isLoopbackWebhook(value)) return value;
  const isName = isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0 && url.hostname.includes('.');
  if (url.protocol === 'https:' && isName && url.port === '') return value;
  throw new Wrong('must have webhooks that are https: URLs of public hosts, without a port');
}

export function isLoopbackWebhook(text: string): boolean {
  const url = URL.parse(text);
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:';
  return url !== null && isWeb && LOOPBACK.includes(url.hostname);
}
