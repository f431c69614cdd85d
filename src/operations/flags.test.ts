import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { InMemoryProvider } from '@openfeature/server-sdk';
import { sleep, systemClock } from '../kernel/clock.ts';
import { createFlags, type Flags, type FlagsOptions } from './flags.ts';

let folder: string;
let file: string;
let flags: Flags;
let reported: string[];
/** Runs the timers that were set, at once. */
let pass: () => Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twin-flags-'));
  file = join(folder, 'flags.json');
  reported = [];
});
afterEach(async () => {
  await flags.stop();
  await rm(folder, { recursive: true });
});

async function open(more: Partial<FlagsOptions> = {}): Promise<void> {
  let timers: (() => void)[] = [];
  pass = async () => {
    const due = timers;
    timers = [];
    for (const task of due) task();
    while (timers.length === 0) await sleep(1);
  };
  const clock = {
    ...systemClock,
    after(_: number, task: () => void) {
      timers.push(task);
      return { cancel: () => undefined };
    },
  };
  const write = async (path: string, text: string) => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  const report = (error: unknown) => reported.push(String(error));
  flags = createFlags({ file, clock, write, report, ...more });
  await flags.start();
}

async function stateNow() {
  const { flags: list, problem } = await flags.list();
  const [{ value, source } = { value: '', source: '' }] = list;
  return { value, source, problem };
}

test('without a file every flag has its default', async () => {
  await open();
  assert.equal(await flags.eventDelivery(), 'auto');
  assert.deepEqual(await stateNow(), { value: 'auto', source: 'default', problem: undefined });
});

test('a file is read again when it changes, and when it goes', async () => {
  await writeFile(file, '{"event-delivery": "poll"}');
  await open();
  assert.deepEqual(await stateNow(), { value: 'poll', source: 'file', problem: undefined });
  await writeFile(file, '{"event-delivery": "log"}\n');
  await pass();
  assert.equal(await flags.eventDelivery(), 'log');
  await rm(file);
  await pass();
  assert.deepEqual(await stateNow(), { value: 'auto', source: 'default', problem: undefined });
});

test('a broken file leaves the last good values, and says so once, without repeating it', async () => {
  await writeFile(file, '{"event-delivery": "poll"}');
  await open();
  const broken = ['{"event-delivery": ', '[]', '{"event-delivery": "secret"}', '{"secret": "on"}'];
  for (const [index, text] of broken.entries()) {
    await writeFile(file, text);
    await pass();
    await pass();
    const { value, problem } = await stateNow();
    assert.equal(value, 'poll', text);
    assert.match(String(problem), /not in force/);
    assert.equal(reported.length, index + 1);
    assert.doesNotMatch(`${problem} ${reported}`, /secret/);
  }
  await assert.rejects(flags.set('event-delivery', 'log'), { code: 'CONFLICT' });
  await writeFile(file, '{}');
  await pass();
  assert.deepEqual(await stateNow(), { value: 'auto', source: 'default', problem: undefined });
});

test('a file that is broken from the start keeps the server from starting', async () => {
  await writeFile(file, '{"event-delivery": "maybe", "other": 1}');
  await assert.rejects(open(), /must be one of auto, log, poll; a flag is unknown/);
});

test('what is set is in force and in the file, and only what is on the lists can be', async () => {
  await open();
  await flags.set('event-delivery', 'poll');
  assert.equal(await flags.eventDelivery(), 'poll');
  assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { 'event-delivery': 'poll' });
  for (const [name, value] of [
    ['event-delivery', 'Poll'],
    ['delivery', 'poll'],
    ['__proto__', 'poll'],
  ] as const) {
    await assert.rejects(flags.set(name, value), { code: 'INVALID_ARGUMENT' });
  }
  assert.equal(await flags.eventDelivery(), 'poll');
});

test('B-GW-31: a rollout is at the step that was set last, and 0 takes everybody back at once', async () => {
  await open();
  assert.equal(flags.rollout('use-websocket-gateway'), 0);
  await flags.set('use-websocket-gateway', '25');
  assert.equal(flags.rollout('use-websocket-gateway'), 25);
  assert.equal(flags.rollout('use-websocket-for-video-visits'), 0);
  await assert.rejects(flags.set('use-websocket-gateway', '26'), { code: 'INVALID_ARGUMENT' });
  await flags.set('use-websocket-gateway', '0');
  assert.equal(flags.rollout('use-websocket-gateway'), 0);
});

test('another provider of OpenFeature takes the place of the file, within our lists', async () => {
  const provider = new InMemoryProvider({
    'event-delivery': { disabled: false, defaultVariant: 'on', variants: { on: 'log', odd: 'x' } },
  });
  await open({ provider });
  assert.deepEqual(await stateNow(), { value: 'log', source: 'in-memory', problem: undefined });
  await assert.rejects(flags.set('event-delivery', 'poll'), { code: 'CONFLICT' });
  provider.putConfiguration({
    'event-delivery': { disabled: false, defaultVariant: 'odd', variants: { odd: 'x' } },
  });
  assert.deepEqual(await stateNow(), { value: 'auto', source: 'default', problem: undefined });
  assert.match(reported.join(), /on no list/);
});
