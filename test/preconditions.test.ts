import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { familyOf, writePatient } from './support/conditional.ts';
import { startServer, type TestServer } from './support/server.ts';

/** Writes that say what must be so (RFC 9110 §13, FHIR R4 §3.1.0.5), over HTTP. */
const MEMBER = 'careful';
let server: TestServer;

before(async () => {
  server = await startServer({ env: { DEMO: 'off' } });
});
after(() => server.stop());

test('B-IN-11: what is read decides what is written, and the writer reads it at once', async () => {
  const created = await writePatient(server, MEMBER, 'First', { 'if-none-match': '*' });
  assert.equal(created.status, 201);
  await server.relations('touch', `member:${MEMBER}#self@user:careful`);
  const { etag } = await familyOf(server, 'careful', MEMBER);
  const again = await writePatient(server, MEMBER, 'Again', { 'if-none-match': '*' });
  assert.equal(again.status, 412);

  const changed = await writePatient(server, MEMBER, 'Second', { 'if-match': etag });
  assert.equal(changed.status, 201);
  assert.equal((await familyOf(server, 'careful', MEMBER)).family, 'Second');

  const late = await writePatient(server, MEMBER, 'Late', { 'if-match': etag });
  assert.equal(late.status, 412);
  assert.equal(late.body.error?.code, 'PRECONDITION_FAILED');
  const now = await familyOf(server, 'careful', MEMBER);
  assert.equal(now.family, 'Second');
  const mended = await writePatient(server, MEMBER, 'Third', { 'if-match': now.etag });
  assert.equal(mended.status, 201);
});

test('B-IN-11: of ten who read the same etag one writes', async () => {
  const { etag } = await familyOf(server, 'careful', MEMBER);
  const names = Array.from({ length: 10 }, (_, index) => `Writer ${index}`);
  const answers = await Promise.all(
    names.map((name) => writePatient(server, MEMBER, name, { 'if-match': etag })),
  );
  const won = answers.findIndex(({ status }) => status === 201);
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  assert.equal(answers.filter(({ status }) => status === 412).length, 9);
  assert.equal((await familyOf(server, 'careful', MEMBER)).family, names[won]);
});

test('P10: a precondition that means nothing is an error', async () => {
  const wrong = [
    { 'if-match': 'etag' },
    { 'if-match': '*' },
    { 'if-none-match': '"x"' },
    { 'if-match': '"x"', 'if-none-match': '*' },
  ] as const;
  for (const headers of wrong) {
    const { status } = await writePatient(server, MEMBER, 'Wrong', headers);
    assert.ok(status === 400 || status === 422, `${JSON.stringify(headers)}: ${status}`);
  }
});
