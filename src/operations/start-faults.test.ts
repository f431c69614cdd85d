import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { systemClock } from '../kernel/clock.ts';
import { collectStartFaults, refuseFaults, StartRefused } from './start-faults.ts';
import { clockFaults, dataDirProbe, httpProbe, redisProbe } from './start-probes.ts';

const missing = { part: 'twins.intake', what: 'does not exist', mend: 'digital-twin topics apply' };
const slow = {
  part: 'REDIS_URL',
  what: 'does not answer',
  mend: 'start it',
  warning: true,
} as const;

test('all parts are asked, and every fault stands in one list with what mends it', async () => {
  const faults = await collectStartFaults({
    kafka: () => Promise.resolve([missing, { ...missing, part: 'twins.sources' }]),
    well: () => Promise.resolve([]),
    redis: () => Promise.resolve([slow]),
  });
  assert.deepEqual(
    faults.map(({ part }) => part),
    ['twins.intake', 'twins.sources', 'REDIS_URL'],
  );
  assert.throws(
    () => refuseFaults(faults),
    (error: Error) => {
      assert.ok(error instanceof StartRefused);
      assert.match(error.message, /^2 thing/);
      assert.match(
        error.message,
        /^ {2}twins\.sources does not exist: digital-twin topics apply$/m,
      );
      return !error.message.includes('REDIS_URL');
    },
  );
  assert.deepEqual(refuseFaults([slow]), [slow], 'what only troubles it is told');
});

test('P9: a probe that fails or hangs is a fault, and its own words are not repeated', async () => {
  const faults = await collectStartFaults(
    {
      failing: () => Promise.reject(new Error('password hush')),
      throwing: () => {
        throw new Error('hush');
      },
      hanging: () => new Promise(() => undefined),
    },
    20,
  );
  assert.deepEqual(
    faults.map(({ part }) => part),
    ['failing', 'throwing', 'hanging'],
  );
  assert.doesNotMatch(JSON.stringify(faults), /hush/);
  assert.throws(() => refuseFaults(faults), StartRefused);
});

test('clocks that differ by more than a second are a fault, what a look itself takes is none', () => {
  const [before, after] = [100_000, 104_000];
  for (const theirs of [99_000, 100_000, 104_000, 105_000, Number.NaN]) {
    assert.deepEqual(clockFaults('Redis', theirs, before, after), []);
  }
  const [fast] = clockFaults('Redis', 404_000, before, after);
  assert.equal(fast?.what, 'differs by 300.0 s from the one of Redis');
  assert.equal(clockFaults('Redis', 98_999, before, after).length, 1);
});

const asked: [string | undefined, string | undefined][] = [];
let status = 200;
let date = new Date().toUTCString();
const server = createServer((req, res) => {
  asked.push([req.url, req.headers.authorization]);
  res.writeHead(status, { date }).end('[]');
});
let host: string;

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

test('a registry is asked as its client would ask it, and its clock is compared', async () => {
  const part = 'SCHEMA_REGISTRY_URL';
  const probe = httpProbe(part, `http://u:p%40ss@${host}/api/`, '/subjects', systemClock);
  assert.deepEqual(await probe(), []);
  const basic = `Basic ${Buffer.from('u:p@ss').toString('base64')}`;
  assert.deepEqual(asked, [['/api/subjects', basic]]);
  date = new Date(Date.now() - 300_000).toUTCString();
  assert.deepEqual(
    (await probe()).map((fault) => fault.part),
    ['clock'],
  );
  for (const [answer, what] of [
    [401, 'refuses our user'],
    [404, 'answers 404'],
  ] as const) {
    status = answer;
    assert.equal((await probe())[0]?.what, what);
  }
  const nobody = httpProbe(part, 'http://127.0.0.1:1', '/subjects', systemClock);
  assert.equal((await nobody())[0]?.what, 'does not answer');
});

test('a Redis that is away keeps nobody from starting', async () => {
  const nodes = [{ host: '127.0.0.1', port: 1 }];
  const settings = { kind: 'single', tls: false, db: 0, prefix: 'test', nodes } as const;
  const faults = await redisProbe(settings, systemClock)();
  assert.deepEqual(
    faults.map(({ part, warning }) => [part, warning]),
    [['REDIS_URL', true]],
  );
});

test('in production the data directory is on a volume', async () => {
  assert.deepEqual(await dataDirProbe(tmpdir(), false)(), []);
  if (process.platform === 'linux') {
    const [fault] = await dataDirProbe('/dev/shm', true)();
    assert.equal(fault?.part, 'DATA_DIR');
    assert.match(String(fault?.what), /tmpfs/);
  }
});
