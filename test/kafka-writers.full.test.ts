import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { type Cluster, cluster } from './support/cluster.ts';
import { familyOf, writePatient } from './support/conditional.ts';
import { sharedKafka } from './support/parts.ts';
import type { TestServer } from './support/server.ts';

/** Commands on two instances of one Kafka. */
const MEMBER = 'careful';
const READER = 'careful';
const ROUNDS = 10;
let group: Cluster;
let a: TestServer;
let b: TestServer;

before(async () => {
  group = await cluster((await sharedKafka()).env);
  [a, b] = await Promise.all([group.start(), group.start()]);
  const created = await writePatient(a, MEMBER, 'First', { 'if-none-match': '*' });
  assert.equal(created.status, 201);
  await a.relations('touch', `member:${MEMBER}#self@user:${READER}`);
  for (let tries = 0; !(await shown(b)); tries += 1) {
    assert.ok(tries < 100, 'the other instance knows the grant');
    await sleep(50);
  }
});
after(() => group.stop());

const shown = (server: TestServer): Promise<string | undefined> =>
  familyOf(server, READER, MEMBER).then(
    ({ family }) => family,
    () => undefined,
  );

test('B-IN-11: two writers with one etag on two instances: one succeeds, and reads its own write', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { etag } = await familyOf(a, READER, MEMBER);
    const names = [`A${round}`, `B${round}`];
    const answers = await Promise.all([
      writePatient(a, MEMBER, names[0] ?? '', { 'if-match': etag }),
      writePatient(b, MEMBER, names[1] ?? '', { 'if-match': etag }),
    ]);
    const won = answers.findIndex(({ status }) => status === 201);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 412], `round ${round}`);
    const winner = won === 0 ? a : b;
    assert.equal(await shown(winner), names[won], 'the winner reads its own write at once');
    for (let tries = 0; (await shown(won === 0 ? b : a)) !== names[won]; tries += 1) {
      assert.ok(tries < 100, 'the other instance shows it a moment later');
      await sleep(20);
    }
  }
});
