import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { createGuards, valuesOf } from './guards.ts';

type Header = readonly [string, string];

const asRequest = (...headers: Header[]): IncomingMessage =>
  ({ rawHeaders: headers.flat() }) as unknown as IncomingMessage;

const guards = createGuards('https://twin.example.com', 3333, ['https://app.example.com']);
const check = (...headers: Header[]): void => guards.check(asRequest(...headers));

const OWN: Header = ['Host', 'twin.example.com'];

test('our own host and the loopback names with our port are served', () => {
  for (const host of [
    'twin.example.com',
    'TWIN.example.com',
    'localhost:3333',
    '127.0.0.1:3333',
    '[::1]:3333',
  ]) {
    check(['Host', host]);
    check(['hOsT', host]);
  }
});

for (const host of [
  ...['evil.com', 'twin.example.com.evil.com', 'sub.twin.example.com', 'localhost', 'localhost:80'],
  ...['127.0.0.1:33333', 'twin.example.com:443', '[::1]:1', '0.0.0.0:3333', '127.1:3333'],
]) {
  test(`76: Host ${host} is forbidden`, () => {
    assert.throws(() => check(['Host', host]), { code: 'FORBIDDEN_ORIGIN' });
  });
}

for (const host of [
  ...['', ' ', 'a b', 'user@localhost:3333', 'localhost:3333/x', 'localhost:x', 'localhost:123456'],
  ...['localhost:3333, evil.com', '[::1', 'lo\u0000calhost', 'http://localhost:3333', 'ｌocalhost'],
]) {
  test(`76: Host ${JSON.stringify(host)} is malformed`, () => {
    assert.throws(() => check(['Host', host]), { code: 'INVALID_REQUEST' });
  });
}

test('76: no Host, or two, is malformed, also where both are ours', () => {
  assert.throws(() => check(), { code: 'INVALID_REQUEST' });
  assert.throws(() => check(OWN, OWN), { code: 'INVALID_REQUEST' });
  assert.throws(() => check(OWN, ['host', 'evil.com']), { code: 'INVALID_REQUEST' });
});

test('77: no origin, our own, an allowed one and the loopback ones are served', () => {
  check(OWN);
  for (const origin of [
    'https://twin.example.com',
    'https://app.example.com',
    'http://localhost:3333',
    'http://127.0.0.1:3333',
    'http://[::1]:3333',
  ]) {
    check(OWN, ['Origin', origin]);
    assert.equal(guards.originOf(asRequest(OWN, ['origin', origin])), origin);
  }
  assert.equal(guards.originOf(asRequest(OWN)), undefined);
});

for (const origin of [
  ...['null', '*', '', 'https://evil.com', 'http://twin.example.com', 'https://twin.example.com/'],
  ...['https://twin.example.com:444', 'https://app.example.com.evil.com', 'http://localhost'],
  ...['https://localhost:3333', 'HTTPS://twin.example.com', 'file://', 'http://localhost:3333 x'],
]) {
  test(`77: Origin ${JSON.stringify(origin)} is forbidden`, () => {
    assert.throws(() => check(OWN, ['Origin', origin]), { code: 'FORBIDDEN_ORIGIN' });
    const twice = [OWN, ['Origin', 'https://twin.example.com'], ['Origin', origin]] as const;
    assert.throws(() => check(...twice), { code: 'FORBIDDEN_ORIGIN' });
  });
}

test('every value of a header is seen, and no value is taken for a name', () => {
  const req = asRequest(['X', 'host'], ['Host', 'a'], ['HOST', 'b'], ['Y', 'Host']);
  assert.deepEqual(valuesOf(req, 'host'), ['a', 'b']);
});
