import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CLIENT_CAPABILITIES_META_KEY,
  McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { systemClock } from '../../kernel/clock.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { createRounds } from './rounds.ts';

const question = { resultType: 'input_required' as const, requestState: 's' };

function context(capabilities: unknown, state?: string): ServerContext {
  const envelope = { [CLIENT_CAPABILITIES_META_KEY]: capabilities };
  return { mcpReq: { envelope, requestState: () => state } } as unknown as ServerContext;
}

let nowMs = 0;
const roundsOf = () =>
  createRounds(new McpServer({ name: 't', version: '1' }), {
    ...systemClock,
    monotonic: () => nowMs,
  });

test('forms are what a client declares, by name or before there were other modes', () => {
  const roundOf = roundsOf();
  const may = (declared: unknown) => roundOf(context(declared)).mayAsk;
  for (const elicitation of [{}, { form: {} }, { form: {}, url: {} }]) {
    assert.equal(may({ elicitation }), true);
  }
  for (const declared of [
    undefined,
    null,
    {},
    { sampling: {} },
    { elicitation: { url: {} } },
    { elicitation: true },
    'elicitation',
  ]) {
    assert.equal(may(declared), false);
  }
});

test('a session that leaves questions open is not asked until they are over', () => {
  const roundOf = roundsOf();
  const declared = { elicitation: {} };
  for (let n = 0; n < LIMITS.openQuestionsPerSessionMax; n += 1) {
    const round = roundOf(context(declared));
    assert.equal(round.mayAsk, true);
    round.asked(question);
  }
  assert.equal(roundOf(context(declared)).mayAsk, false);
  assert.equal(roundOf(context(declared, 's')).mayAsk, true, 'one came back');
  roundOf(context(declared)).asked(question);
  assert.equal(roundOf(context(declared)).mayAsk, false);
  nowMs += LIMITS.elicitationTimeoutMs;
  assert.equal(roundOf(context(declared)).mayAsk, true);
});
