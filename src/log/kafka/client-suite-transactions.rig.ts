import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Fenced } from './client.ts';
import { onTopic } from './client-suite.rig.ts';
import type { KafkaAdapter } from './create.ts';

const CRASH = fileURLToPath(new URL('client-crash.rig.ts', import.meta.url));

export function transactionSuite(which: KafkaAdapter): void {
  visibility(which);
  accidents(which);
  fencing(which);
}

function visibility(which: KafkaAdapter): void {
  it('shows what was committed, of several partitions, and never what was aborted', () =>
    onTopic(which, { partitions: 2 }, async ({ client, name, message, follow }) => {
      const producer = client.producer({ transactionalId: name });
      await producer.open();
      const following = await follow();
      const committed = await producer.begin();
      await committed.send([message('a', 'a1', 0), message('b', 'b1', 1)]);
      await committed.send([message('a', 'a2', 0)]);
      assert.deepEqual(following.values(), []);
      await committed.commit();
      for (const value of ['x', 'y']) {
        const aborted = await producer.begin();
        await aborted.send([message('a', value, 0)]);
        await aborted.abort();
      }
      await following.settled();
      assert.deepEqual(following.values().toSorted(), ['a1', 'a2', 'b1']);
    }));

  it('keeps back aborted records whose end comes in a later fetch', () =>
    onTopic(which, {}, async ({ client, name, message, follow }) => {
      const producer = client.producer({ transactionalId: name });
      await producer.open();
      const large = 'x'.repeat(700_000);
      for (let round = 0; round < 2; round += 1) {
        const aborted = await producer.begin();
        for (let i = 0; i < 4; i += 1) await aborted.send([message('k', large)]);
        await aborted.abort();
      }
      const committed = await producer.begin();
      await committed.send([message('k', 'committed')]);
      await committed.commit();
      const following = await follow();
      await following.settled();
      assert.deepEqual(following.values(), ['committed']);
    }));

  it('keeps back what two producers aborted that wrote in turn', () =>
    onTopic(which, {}, async ({ client, name, message, follow }) => {
      const a = client.producer({ transactionalId: `${name}-a` });
      const b = client.producer({ transactionalId: `${name}-b` });
      await a.open();
      await b.open();
      const ofA = await a.begin();
      const ofB = await b.begin();
      await ofA.send([message('k', 'a1')]);
      await ofB.send([message('k', 'b1')]);
      await ofA.send([message('k', 'a2')]);
      await ofB.send([message('k', 'b2')]);
      await ofA.abort();
      await ofB.abort();
      for (const offset of [0, 1, 2, 3]) {
        const following = await follow({ from: [{ topic: name, partition: 0, offset }] });
        await following.settled();
        assert.deepEqual(following.values(), [], `from ${offset}`);
        await following.stop();
      }
    }));
}

function accidents(which: KafkaAdapter): void {
  it('has an empty transaction at no cost, and goes on after one', () =>
    onTopic(which, {}, async ({ client, name, message, follow }) => {
      const producer = client.producer({ transactionalId: name });
      await producer.open();
      await (await producer.begin()).commit();
      await (await producer.begin()).abort();
      const transaction = await producer.begin();
      await transaction.send([message('k', 'v')]);
      await transaction.commit();
      const following = await follow();
      await following.settled();
      assert.deepEqual(following.values(), ['v']);
    }));

  it('goes on, or says Fenced, after a send that was refused; never half of it is seen', () =>
    onTopic(which, {}, async ({ client, name, message, follow }) => {
      const producer = client.producer({ transactionalId: name });
      await producer.open();
      const refused = await producer.begin();
      await refused.send([message('k', 'half')]);
      await assert.rejects(refused.send([message('k', 'x'.repeat(2_000_000))]));
      await assert.rejects(refused.commit());
      let next = await producer.begin().catch((error) => error);
      if (next instanceof Fenced) {
        await producer.open();
        next = await producer.begin();
      }
      await next.send([message('k', 'whole')]);
      await next.commit();
      const following = await follow();
      await following.settled();
      assert.deepEqual(following.values(), ['whole']);
    }));

  it('fences the former owner: its send and commit are refused, the new one goes on', () =>
    onTopic(which, {}, async ({ client, name, message, follow }) => {
      const former = client.producer({ transactionalId: name });
      await former.open();
      const committing = await former.begin();
      await committing.send([message('k', 'zombie')]);
      const successor = client.producer({ transactionalId: name });
      await successor.open();
      await assert.rejects(committing.commit(), Fenced);
      await assert.rejects(former.begin(), Fenced);
      const transaction = await successor.begin();
      await transaction.send([message('k', 'successor')]);
      await transaction.commit();
      const following = await follow();
      await following.settled();
      assert.deepEqual(following.values(), ['successor']);
    }));
}

function fencing(which: KafkaAdapter): void {
  it('refuses the send of a former owner, whose transaction the successor has ended', () =>
    onTopic(which, {}, async ({ client, name, message, follow }) => {
      const former = client.producer({ transactionalId: name });
      await former.open();
      const sending = await former.begin();
      await sending.send([message('k', 'zombie')]);
      const successor = client.producer({ transactionalId: name });
      await successor.open();
      await assert.rejects(sending.send([message('k', 'zombie too')]), Fenced);
      await assert.rejects(sending.commit(), Fenced);
      const transaction = await successor.begin();
      await transaction.send([message('k', 'successor')]);
      await transaction.commit();
      const following = await follow();
      await following.settled();
      assert.deepEqual(following.values(), ['successor']);
    }));

  it('ends at its open the transaction of an owner that was killed in the middle', () =>
    onTopic(which, {}, async ({ client, address, name, message, follow }) => {
      const child = spawn(process.execPath, [CRASH, which, address, name]);
      let complaints = '';
      child.stderr.on('data', (text) => {
        complaints += text;
      });
      await new Promise<void>((resolve, reject) => {
        child.stdout.once('data', () => resolve());
        child.once('exit', () => reject(new Error('the child ended before its time')));
      });
      const gone = new Promise((resolve) => child.once('close', resolve));
      child.removeAllListeners('exit').kill('SIGKILL');
      await gone;
      assert.equal(complaints, '', 'no library warns on stderr');
      assert.deepEqual(await client.admin.ends(name), [0]);
      const successor = client.producer({ transactionalId: name });
      await successor.open();
      assert.deepEqual(await client.admin.ends(name), await client.admin.nexts(name));
      const transaction = await successor.begin();
      await transaction.send([message('k', 'successor')]);
      await transaction.commit();
      const following = await follow();
      await following.settled();
      assert.deepEqual(following.values(), ['successor']);
    }));
}
