import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type SpicedbPart, spicedb } from '../../../test/support/parts.ts';
import { systemClock } from '../../kernel/clock.ts';
import { Follower } from '../decisions-follower.ts';
import { Heartbeat } from '../relations-heartbeat.ts';
import { parseRelation, printRelation } from '../relations-text.ts';
import type { Engine } from './engine.ts';
import { connectEngine } from './grpc.ts';
import { applySchema } from './schema-check.ts';

/** SpiceDB sends its clients away after a time, 30 s by default, so that they spread anew. */
const AGE = '--grpc-max-conn-age=1s';
const RUN_MS = 5_000;
const CALLERS = 8;

let server: SpicedbPart;
let engine: Engine;

before(async () => {
  server = await spicedb({ flags: [AGE] });
  const connection = { endpoint: server.address, token: server.token, tls: false };
  await applySchema(connection);
  engine = connectEngine(connection, systemClock);
});
after(async () => {
  await engine.close();
  await server.stop();
});

test('F4: a connection that SpiceDB ends for its age fails no question, and Watch goes on', async (context) => {
  const told: string[] = [];
  const troubles: unknown[] = [];
  const follower = new Follower({
    engine,
    clock: systemClock,
    onChanges: (changes) => told.push(...changes.map((one) => printRelation(one.relationship))),
    onFresh: () => undefined,
    onOffset: () => undefined,
    onTrouble: (error) => troubles.push(error),
  });
  const heartbeat = new Heartbeat(engine, systemClock);
  context.after(() => {
    heartbeat.stop();
    follower.stop();
    clearInterval(watching);
  });
  await follower.start();
  await heartbeat.start();
  const until = Date.now() + RUN_MS;
  const question = {
    subject: { type: 'user', id: 'ana' },
    permission: 'view_care',
    object: { type: 'member', id: 'ana' },
  };
  const ask = async (): Promise<number> => {
    let asked = 0;
    for (; Date.now() < until; asked += 1) await engine.check([question], { kind: 'full' });
    return asked;
  };
  const written: string[] = [];
  const write = async (): Promise<void> => {
    for (let n = 0; Date.now() < until; n += 1) {
      const relation = `member:m${n}#self@user:ana`;
      await engine.write([{ operation: 'touch', relationship: parseRelation(relation) }]);
      written.push(relation);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  let unsure = 0;
  const watching = setInterval(() => {
    if (!follower.sure) unsure += 1;
  }, 20);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  unsure = 0;
  const [asked] = await Promise.all([
    Promise.all(Array.from({ length: CALLERS }, ask)).then((counts) =>
      counts.reduce((sum, count) => sum + count, 0),
    ),
    write(),
  ]);
  while (told.length < written.length) await new Promise((resolve) => setTimeout(resolve, 20));
  console.log(`# ${asked} questions, ${written.length} writes`);
  assert.deepEqual(new Set(told), new Set(written));
  assert.deepEqual(troubles, []);
  assert.equal(unsure, 0, 'always sure');
});
