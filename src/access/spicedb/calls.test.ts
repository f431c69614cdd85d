import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { v1 } from '@authzed/authzed-node';
import { watch } from './calls.ts';

/** Guards: the client gave Watch its default deadline and ended it every 30 seconds. */
test('Watch names its own deadline, which never comes', () => {
  const given: unknown[] = [];
  const client = {
    watch(...args: unknown[]) {
      given.push(...args);
      return Object.assign(new EventEmitter(), { cancel: () => undefined });
    },
  } as unknown as v1.ZedClientInterface;
  watch(client, { onUpdate: () => undefined, onEnd: () => undefined }).cancel();
  const options = given.at(-1) as { deadline?: number };
  assert.equal(options.deadline, Number.POSITIVE_INFINITY);
});
