import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startEmbeddedEngine } from './embedded.ts';
import { engineSuite } from './engine-suite.rig.ts';

engineSuite('embedded', async () => startEmbeddedEngine());

test('a wrong schema refuses every call and ends the watch', async () => {
  const engine = startEmbeddedEngine({ schema: 'definition broken {' });
  const ended = Promise.withResolvers<Error>();
  engine.watch({ onUpdate: () => assert.fail('nothing to tell'), onEnd: ended.resolve });
  await assert.rejects(engine.read({ type: 'member' }));
  assert.ok((await ended.promise) instanceof Error);
  await engine.close();
});
