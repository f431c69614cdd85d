import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { IssuerWrong, NoKeys } from './fetch-json.ts';
import { issuerKey } from './issuer.rig.ts';
import { publishedKeys } from './published-keys.ts';

const rsa = issuerKey('rsa');
const ec = issuerKey('ec', 'ES256');

const kidsOf = async (...keys: unknown[]): Promise<string[]> =>
  [...(await publishedKeys({ keys })).keys()].toSorted();

test('signing keys are taken by their own algorithm, also where alg is left out', async () => {
  const unnamed = issuerKey('entra', 'RS256', null);
  const found = await publishedKeys({ keys: [rsa.jwk, ec.jwk, unnamed.jwk] });
  const algorithms = [...found].map(([kid, { trusted }]) => `${kid} ${trusted.algorithm}`);
  assert.deepEqual(algorithms, ['rsa RS256', 'ec ES256', 'entra RS256']);
});

test('what others of a company use is passed over, and never trusted', async () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey;
  const others = [
    { ...rsa.jwk, kid: 'enc', use: 'enc' },
    { ...rsa.jwk, kid: 'oaep', alg: 'RSA-OAEP' },
    { ...rsa.jwk, kid: 'pss', alg: 'PS256' },
    { ...rsa.jwk, kid: 'ops', key_ops: ['encrypt'] },
    { ...rsa.jwk, kid: undefined },
    { ...rsa.jwk, kid: 'a/../b' },
    { kty: 'oct', k: 'c2VjcmV0', kid: 'oct', alg: 'HS256' },
    { ...weak.export({ format: 'jwk' }), kid: 'weak' },
    { ...p384.export({ format: 'jwk' }), kid: 'p384' },
    { kty: 'RSA', kid: 'broken', n: '!', e: 'AQAB' },
    { kty: 'EC', crv: 'P-256', kid: 'halved', x: 'AA' },
    'text',
    null,
  ];
  assert.deepEqual(await kidsOf(...others, rsa.jwk), ['rsa']);
  await assert.rejects(kidsOf(...others), NoKeys);
});

test('two keys of one name are neither', async () => {
  assert.deepEqual(await kidsOf({ ...ec.jwk, kid: 'rsa' }, rsa.jwk, ec.jwk), ['ec']);
});

test('what is no JWK set, or too large a one, is refused', async () => {
  for (const wrong of [null, [], { keys: {} }, { keys: 'x' }, 'text']) {
    await assert.rejects(publishedKeys(wrong), IssuerWrong);
  }
  const many = Array.from({ length: 101 }, (_, n) => ({ ...ec.jwk, kid: `k${n}` }));
  await assert.rejects(publishedKeys({ keys: many }), /more than 100 keys/);
});
