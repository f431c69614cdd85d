import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalQuery, refusedBecause } from './http-signature.ts';
import { hmacHex, sameText, signChannel, signUser, verifyChannel } from './signatures.ts';

/** Of the documentation; realtime.md §2.5 says which of its signatures is wrong. */
const APP = { key: '278d425bdf160c739803', secret: '7ad3773142a6692b25b8' };

test('B-GW-61: the documented signatures, the presence one corrected', () => {
  const { key } = APP;
  assert.equal(
    signChannel(APP, '1234.1234', 'private-foobar'),
    `${key}:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4`,
  );
  assert.equal(
    signUser(APP, '1234.1234', '{"id":"12345"}'),
    `${key}:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba`,
  );
  const data = '{"user_id":10,"user_info":{"name":"Mr. Channels"}}';
  assert.equal(
    signChannel(APP, '1234.1234', 'presence-foobar', data),
    `${key}:31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80`,
  );
});

/** The example of the HTTP API's documentation. */
const BODY = Buffer.from(
  '{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}',
);
const PATH = '/apps/3/events';
const AT = 1_353_088_179;

function query(more: Readonly<Record<string, string>> = {}): URLSearchParams {
  return new URLSearchParams({
    auth_key: APP.key,
    auth_timestamp: String(AT),
    auth_version: '1.0',
    body_md5: createHash('md5').update(BODY).digest('hex'),
    auth_signature: 'da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c',
    ...more,
  });
}

const documented = { method: 'POST', path: PATH, query: query(), body: BODY };
const refusal = (more: Partial<typeof documented>, at = AT, app = APP) =>
  refusedBecause(app, { ...documented, ...more }, at * 1000);

test('B-GW-61: the documented request of the HTTP API is genuine for ten minutes', () => {
  assert.equal(refusal({}), undefined);
  assert.equal(refusal({}, AT + 600), undefined);
  assert.match(String(refusal({}, AT + 601)), /auth_timestamp/);
  assert.match(String(refusal({}, AT - 601)), /auth_timestamp/);
});

test('B-GW-61: a request that differs in anything is refused', () => {
  const wrong: Partial<typeof documented>[] = [
    { method: 'GET' },
    { path: '/apps/4/events' },
    { body: Buffer.from(`${BODY}\n`) },
    { body: Buffer.alloc(0) },
    { query: query({ auth_key: 'another' }) },
    { query: query({ auth_version: '1.1' }) },
    { query: query({ auth_signature: '' }) },
    {
      query: query({
        auth_signature: 'DA454824C97BA181A32CCC17A72625BA02771F50B50E1E7430E47A1F3F457E6C',
      }),
    },
    { query: query({ socket_id: '1.1' }) },
    { query: query({ body_md5: createHash('md5').update('').digest('hex') }) },
  ];
  for (const [index, more] of wrong.entries()) {
    assert.notEqual(refusal(more), undefined, `case ${index}`);
  }
  assert.notEqual(refusal({}, AT, { ...APP, secret: 'other' }), undefined);
  assert.notEqual(refusal({}, AT, { ...APP, key: 'other' }), undefined);
});

test('B-GW-61: a parameter that is there twice, in whatever case, is refused', () => {
  const twice = query();
  twice.append('AUTH_KEY', APP.key);
  assert.match(String(refusal({ query: twice })), /twice/);
});

test('B-GW-61: a time that is no number is refused, however it was signed', () => {
  for (const time of ['', 'NaN', 'Infinity', '1e9', '-1', ' 1353088179', '0x50a67e33']) {
    const signed = { auth_key: APP.key, auth_timestamp: time, auth_version: '1.0' };
    const signature = hmacHex(APP.secret, `GET\n${PATH}\n${canonicalQuery(signed)}`);
    const asked = new URLSearchParams({ ...signed, auth_signature: signature });
    const given = { method: 'GET', body: Buffer.alloc(0), query: asked };
    assert.match(String(refusal(given)), /auth_timestamp/, time);
  }
});

test('B-GW-61: channel_data that the signature does not cover is told apart', () => {
  const proof = { socketId: '1.2', channel: 'private-a', channelData: '{"user_id":"a"}' };
  const whole = signChannel(APP, '1.2', 'private-a', proof.channelData);
  assert.equal(verifyChannel(APP, { ...proof, auth: whole }), 'with-data');
  const bare = signChannel(APP, '1.2', 'private-a');
  assert.equal(verifyChannel(APP, { ...proof, auth: bare }), 'without-data');
  assert.equal(verifyChannel(APP, { socketId: '1.2', channel: 'private-a', auth: whole }), 'no');
});

test('B-GW-61: no signature serves another socket, channel, data or app', () => {
  const part = fc.stringMatching(/^[a-z0-9.:_-]{1,12}$/);
  fc.assert(
    fc.property(part, part, part, part, (socketId, channel, data, other) => {
      const auth = signChannel(APP, socketId, `private-${channel}`, data);
      const given = { socketId, channel: `private-${channel}`, auth, channelData: data };
      assert.equal(verifyChannel(APP, given), 'with-data');
      const changed = [
        { ...given, socketId: socketId + other },
        { ...given, channel: given.channel + other },
        { ...given, channelData: data + other },
        { ...given, auth: `${auth}0` },
        { ...given, auth: auth.slice(0, -1) },
        { ...given, auth: auth.slice(APP.key.length + 1) },
      ];
      for (const one of changed) assert.equal(verifyChannel(APP, one), 'no');
      assert.equal(verifyChannel({ ...APP, secret: other }, given), 'no');
    }),
    { numRuns: 200 },
  );
});

test('texts are the same only where each byte is', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      assert.equal(sameText(a, b), Buffer.from(a).equals(Buffer.from(b)));
      assert.ok(sameText(a, a));
    }),
  );
});
