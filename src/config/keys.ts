import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { isObject } from '../kernel/json.ts';
import { createPrivate, makeDataDir, readPrivate, replacePrivate } from './private-file.ts';

/** ES256 private key as a JWK with its key id. */
export interface SigningJwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
  readonly d: string;
  readonly kid: string;
  readonly alg: 'ES256';
  readonly use: 'sig';
}

/** Keys of one deployment: 32 random bytes each, and the development issuer's signing key. */
export interface DeploymentKeys {
  readonly etag: Buffer;
  readonly position: Buffer;
  /** What `position` replaced, while what it made shall still be known. */
  readonly positionBefore?: Buffer;
  readonly cursor: Buffer;
  /** What `cursor` replaced, while what it sealed shall still open. */
  readonly cursorBefore?: Buffer;
  readonly memberId: Buffer;
  readonly issuer: SigningJwk;
}

const SECRETS = ['etag', 'position', 'cursor', 'memberId'] as const;
const KEY_BYTES = 32;

/**
 * Loads the deployment's keys (mode 0600), creating the file at the first start. Whoever starts at the
 * same time gets the same keys.
 * @throws Error naming the file when it is there and not readable as keys: it is never replaced,
 *   since every etag, position, cursor and opaque member id hangs on it.
 */
export async function loadKeys(path: string): Promise<DeploymentKeys> {
  await makeDataDir(dirname(path));
  const text = await readPrivate(path);
  if (text !== undefined) return parse(path, text);
  const fresh = JSON.stringify(generate(), null, 2);
  const created = await createPrivate(path, `${fresh}\n`);
  return parse(path, created ? fresh : ((await readPrivate(path)) ?? ''));
}

/** Keys that can be replaced under use: what the former one made is still known. */
export const ROTATABLE = ['cursor', 'position'] as const;
export type Rotatable = (typeof ROTATABLE)[number];

/**
 * Puts a new key into the place of each of these, and the former one beside it; the one before that
 * goes, and with it what it made. Servers take it when they start anew.
 * @throws Error where the file is not there, or is no keys file
 */
export async function rotateKeys(path: string, names: readonly Rotatable[]): Promise<void> {
  const text = await readPrivate(path);
  if (text === undefined) throw new Error(`${path} is not there: no server has made its keys yet`);
  parse(path, text);
  const file = JSON.parse(text) as Record<string, unknown>;
  for (const name of names) {
    file[`${name}Before`] = file[name];
    file[name] = randomBytes(KEY_BYTES).toString('base64url');
  }
  await replacePrivate(path, `${JSON.stringify(file, null, 2)}\n`);
}

function generate(): Record<string, unknown> {
  const secret = (): string => randomBytes(KEY_BYTES).toString('base64url');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = `dev-${randomBytes(9).toString('base64url')}`;
  return {
    version: 1,
    ...Object.fromEntries(SECRETS.map((name) => [name, secret()])),
    issuer: { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' },
  };
}

function parse(path: string, text: string): DeploymentKeys {
  const file = jsonOf(text);
  if (!isObject(file) || file.version !== 1) throw unusable(path, 'it is not a keys file');
  const secret = (name: (typeof SECRETS)[number] | 'cursorBefore' | 'positionBefore'): Buffer => {
    const bytes = Buffer.from(String(file[name]), 'base64url');
    if (bytes.length !== KEY_BYTES) throw unusable(path, `${name} is not ${KEY_BYTES} bytes`);
    return bytes;
  };
  const { issuer } = file;
  if (!isSigningJwk(issuer)) throw unusable(path, 'issuer is not an ES256 private JWK with kid');
  return {
    etag: secret('etag'),
    position: secret('position'),
    ...('positionBefore' in file && { positionBefore: secret('positionBefore') }),
    cursor: secret('cursor'),
    ...('cursorBefore' in file && { cursorBefore: secret('cursorBefore') }),
    memberId: secret('memberId'),
    issuer,
  };
}

function isSigningJwk(value: unknown): value is SigningJwk {
  if (!isObject(value) || value.kty !== 'EC' || value.crv !== 'P-256') return false;
  return ['x', 'y', 'd', 'kid'].every((part) => typeof value[part] === 'string');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unusable(path: string, why: string): Error {
  return new Error(`${path} cannot be used: ${why}. Put the file back from a backup.`);
}
