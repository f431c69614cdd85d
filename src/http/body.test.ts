import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { parseJson, readBody } from './body.ts';

const JSON_TYPE = 'application/json';

function request(
  chunks: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array>,
  headers: Readonly<Record<string, string>> = {},
): IncomingMessage {
  const all = { 'content-type': JSON_TYPE, ...headers };
  return Object.assign(Readable.from(chunks, { objectMode: false }), {
    headers: all,
  }) as unknown as IncomingMessage;
}

const read = (req: IncomingMessage, bytesMax = 10): Promise<Buffer> =>
  readBody(req, [JSON_TYPE, 'application/fhir+json'], bytesMax);

test('a body is read whole, in whatever pieces it comes, up to the bound', async () => {
  const pieces = ['12', '345', '', '67890'].map((text) => Buffer.from(text));
  assert.equal(String(await read(request(pieces))), '1234567890');
  assert.equal((await read(request([]))).length, 0);
});

for (const type of [
  'APPLICATION/JSON',
  'application/json; charset=utf-8',
  ' application/fhir+json ;x',
]) {
  test(`the type ${type} is taken`, async () => {
    await read(request(['{}'], { 'content-type': type }));
  });
}

for (const type of [
  '',
  'text/plain',
  'application/jsonp',
  'application/x;application/json',
  '*/*',
]) {
  test(`73: the type ${JSON.stringify(type)} is refused`, async () => {
    await assert.rejects(read(request(['{}'], { 'content-type': type })), {
      code: 'UNSUPPORTED_MEDIA',
    });
  });
}

for (const encoding of ['gzip', 'br', 'identity, gzip', '']) {
  test(`71: the encoding ${JSON.stringify(encoding)} is refused`, async () => {
    const req = request(['{}'], { 'content-encoding': encoding });
    await assert.rejects(read(req), { code: 'UNSUPPORTED_MEDIA' });
  });
}

test('70: a length that is announced past the bound is refused before a byte is read', async () => {
  let reads = 0;
  const chunks = (function* () {
    reads += 1;
    yield Buffer.from('{}');
  })();
  const req = request(chunks, { 'content-length': '11' });
  await assert.rejects(read(req), { code: 'TOO_LARGE' });
  assert.equal(reads, 0);
});

test('70: a body that goes on past the bound is refused at the bound', async () => {
  let sent = 0;
  const endless = (async function* () {
    for (;;) {
      sent += 4;
      yield Buffer.from('abcd');
    }
  })();
  await assert.rejects(read(request(endless)), { code: 'TOO_LARGE' });
  assert.ok(sent < 100_000, `${sent} bytes were taken`);
});

test('a client that goes before the end of its body is no fault of ours', async () => {
  const cut = (async function* () {
    yield Buffer.from('{"a"');
    throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
  })();
  await assert.rejects(read(request(cut)), { code: 'INVALID_REQUEST' });
});

test('a character beyond the first plane may be escaped, as Python does', () => {
  assert.deepEqual(parseJson(Buffer.from('["\\ud83d\\ude00"]')), ['😀']);
});

test('JSON is parsed as UTF-8', () => {
  assert.deepEqual(parseJson(Buffer.from('{"name":"José ✓"}')), { name: 'José ✓' });
});

for (const [what, bytes] of [
  ['cut off', Buffer.from('{"phi":"Ana')],
  ['empty', Buffer.alloc(0)],
  ['a byte order mark', Buffer.from('\ufeff{}')],
  ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['half of a character', Buffer.from('"é"').subarray(0, 2)],
  ['half of a surrogate pair', Buffer.from('{"name":"Ana\\ud800"}')],
  ['a name with half of a pair', Buffer.from('{"\\udc00":"Ana"}')],
  ['two values', Buffer.from('{} {}')],
  ['UTF-16', Buffer.from('{}', 'utf16le')],
] as const) {
  test(`74: ${what} is refused, and not repeated`, () => {
    assert.throws(
      () => parseJson(bytes),
      (fault: Error & { code?: string; cause?: unknown }) =>
        fault.code === 'INVALID_REQUEST' && !fault.message.includes('Ana') && !fault.cause,
    );
  });
}
