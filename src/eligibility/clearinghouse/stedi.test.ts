import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { systemClock } from '../../kernel/clock.ts';
import type { Question } from '../model.ts';
import { type Simulator, startSimulator } from '../simulator/server.ts';
import { outcomeOf } from './outcome.ts';
import { ENDPOINTS, Stedi } from './stedi.ts';

const question = (memberId: string, payer = 'SIM1'): Question => ({
  payer,
  provider: { npi: '1999999984', name: 'Provider Name' },
  subscriber: { memberId },
  serviceTypes: ['30'],
});
const clock = systemClock;

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator({ clock, slots: 3, timeScale: 0.004 });
});
after(() => simulator.stop());

const client = (more: Partial<ConstructorParameters<typeof Stedi>[0]> = {}) =>
  new Stedi({ apiKey: 'test_key', clock, url: simulator.url, ...more });
const control = async (body?: object) => {
  const init = body && { method: 'PUT', body: JSON.stringify(body) };
  return (await fetch(`${simulator.url}/_simulator`, init)).json() as Promise<
    Record<string, number>
  >;
};

for (const endpoint of ENDPOINTS) {
  test(`an answer and a refusal by ${endpoint}`, async () => {
    const stedi = client({ endpoint });
    const told = await stedi.check(question('SIM8'));
    assert.ok(told.kind === 'answered' && told.answer.benefits.length > 10);
    const refused = await stedi.check(question('SIMX'));
    assert.ok(refused.kind === 'rejected' && refused.rejections[0].code === '75');
  });
}

test('B-EL-4: more than the slots is refused at once, and a caller that leaves frees none', async () => {
  const own = await startSimulator({ clock, slots: 3, timeScale: 1, profile: 'stalled' });
  const stedi = client({ url: own.url });
  const gone = new AbortController();
  let throttled = 0;
  const refusedFive = Promise.withResolvers<void>();
  const calls = Array.from({ length: 8 }, async (_, index) => {
    const outcome = await stedi.check(question(`SIM${index}`), { signal: gone.signal });
    if (outcome.kind === 'throttled') throttled += 1;
    if (throttled === 5) refusedFive.resolve();
    return outcome.kind === 'unavailable' ? outcome.why : outcome.kind;
  });
  await refusedFive.promise;
  gone.abort();
  const kinds = await Promise.all(calls);
  assert.equal(kinds.filter((kind) => kind === 'aborted').length, 3);
  assert.equal((await stedi.check(question('SIM9'))).kind, 'throttled');
  const counts = (await (await fetch(`${own.url}/_simulator`)).json()) as Record<string, number>;
  assert.deepEqual([counts.inFlight, counts.inFlightMax, counts.refused], [3, 3, 6]);
  await own.stop();
});

/** Status and body, what comes of it, whether the payer may have been reached. */
const REPLIES: readonly (readonly [number, string, string, string])[] = [
  [200, '{"errors":[{"code":"75","location":"Loop 2100C"}],"subscriber":{}}', 'rejected', 'yes'],
  [400, '{"errors":[{"code":"44","location":"Loop 2100B"}],"payer":{}}', 'rejected', 'yes'],
  [400, '{"message":"no","errors":[{"path":"/provider/npi"}]}', 'request', 'no'],
  [200, '{"subscriber":{"memberId":"1"},"benefitsInformation":[]}', 'answered', 'yes'],
  [200, '{"payerId":"1","plans":[],"dependents":[],"subscriber":{}}', 'answered', 'yes'],
  [200, '{"subscriber":{},"dependents":[{},{}]}', 'unreadable', 'yes'],
  [200, '{"code":"TOO_MANY_REQUESTS"}', 'throttled', 'no'],
  [429, '<html>', 'throttled', 'no'],
  [401, '{"message":"Unauthorized"}', 'credentials', 'no'],
  [403, '<html>', 'forbidden', 'no'],
  [404, '', 'not-found', 'no'],
  [302, '', 'request', 'no'],
  [500, '{"message":"x"}', 'upstream', 'maybe'],
  [503, '{"errors":[{"code":"42","location":"Loop 2100A"}]}', 'rejected', 'yes'],
  [504, '{}', 'time-out', 'maybe'],
  [200, 'not json', 'unreadable', 'maybe'],
  [200, '{"x12":"rubbish"}', 'unreadable', 'maybe'],
];

for (const [status, text, expected, reached] of REPLIES) {
  test(`B-EL-5: ${status} with ${text.slice(0, 40)}: ${expected}`, () => {
    const outcome = outcomeOf({ kind: 'reply', status, text });
    assert.deepEqual(
      ['why' in outcome ? outcome.why : outcome.kind, outcome.reached],
      [expected, reached],
    );
  });
}

test('names of refused fields are told, whatever else stands there is not', () => {
  const text = '{"errors":[{"path":"/provider/npi","message":"x"},{"path":"<Ana 1974>"}]}';
  const outcome = outcomeOf({ kind: 'reply', status: 400, text });
  assert.deepEqual(outcome.kind === 'misconfigured' && outcome.fields, ['/provider/npi']);
});

test('B-EL-5: whether a question may have left is told of each fault of the way', async () => {
  const ended = await dropping();
  await new Promise((resolve) => ended.server.close(resolve));
  const closed = client({ url: ended.url });
  assert.deepEqual(await closed.check(question('SIM1')), {
    kind: 'unavailable',
    why: 'connection',
    reached: 'no',
  });
  const { server, url } = await dropping();
  const outcomes = [
    await client({ url }).check(question('SIM1')),
    await client({ url: `${url}/`, timeoutMs: 40 }).check({ ...question('SIM1'), payer: 'STALL' }),
  ];
  server.closeAllConnections();
  server.close();
  assert.deepEqual(
    outcomes.map((one) => one.kind === 'unavailable' && [one.why, one.reached]),
    [
      ['connection', 'maybe'],
      ['time-out', 'maybe'],
    ],
  );
});

/** Reads the question and drops the connection, or never answers. */
async function dropping(): Promise<{ server: Server; url: string }> {
  const server = createServer((req) => {
    let text = '';
    req.on('data', (chunk) => {
      text += chunk;
    });
    req.on('end', () => {
      if (!text.includes('STALL')) req.socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('B-EL-6: a batch is submitted once by its name, polled by pages, and found again', async () => {
  await control({ timeScale: 0 });
  const stedi = client();
  const since = Date.now() - 1;
  const items = Array.from({ length: 250 }, (_, index) => ({
    ...question(`SIM${index}`),
    reference: `r${index}`,
  }));
  const first = await stedi.submit('month-1', items);
  assert.ok(first.kind === 'submitted');
  assert.deepEqual(await stedi.submit('month-1', items), { kind: 'exists' });
  assert.equal(await stedi.find('month-1', since), first.batchId);
  assert.equal(await stedi.find('month-2', since), undefined);
  const seen: string[] = [];
  let token: string | undefined;
  do {
    const page = await stedi.results(first.batchId, token);
    assert.ok(page);
    seen.push(...page.results.map(({ reference }) => reference));
    token = page.next;
  } while (token !== undefined);
  assert.deepEqual(new Set(seen), new Set(items.map(({ reference }) => reference)));
  assert.deepEqual(await stedi.progress(first.batchId), {
    total: 250,
    done: 250,
    isComplete: true,
  });
});

test('one malformed item refuses the whole batch, and the field is named', async () => {
  const items = [
    { ...question('SIM1'), reference: 'a' },
    { ...question('SIM2'), provider: { npi: '1', name: 'P' }, reference: 'b' },
  ];
  const refused = await client().submit('wrong', items);
  assert.deepEqual(refused, { kind: 'refused', fields: ['/items.1.provider.npi'] });
});

test('a key that is refused says nothing about the items of a batch', async () => {
  const items = [{ ...question('SIM1'), reference: 'a' }];
  assert.deepEqual(await client({ apiKey: '' }).submit('no-key', items), { kind: 'unavailable' });
});

test('payers are searched by name', async () => {
  const found = await client().searchPayers('aetna');
  assert.deepEqual(found, [{ id: '60054', name: 'Aetna', aliases: [], canCheck: true }]);
});
