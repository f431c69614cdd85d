import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type InputRequiredResult, isInputRequiredResult } from '@modelcontextprotocol/server';
import type { ChatInput, ChatResult, WhomQuestion } from '../../contract/documents.ts';
import { systemClock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { UNFOLLOWED } from '../../twin/work.ts';
import { createRequestStates } from '../request-state.ts';
import { answerInRounds } from './ask-whom.ts';
import type { Round } from './rounds.ts';

/** The rounds of one call, with a chat that knows only `ben`. */
const principal = {
  kind: 'user' as const,
  subject: 'nurse',
  tenant: 'demo',
  clientId: 'cli',
  scopes: new Set<string>(),
  issuer: 'http://localhost',
  tokenId: 't1',
  expiresAtMs: 0,
};
const caller = { principal, correlationId: 'c1' };
const input: ChatInput = { message: 'What is the plan?' };
const requestStates = createRequestStates([Buffer.alloc(32, 1)], systemClock);
const open: WhomQuestion = { question: 'Which member?', candidates: [] };
const choice: WhomQuestion = {
  question: 'Which member: Ben, or Cleo?',
  candidates: ['ben', 'cleo'].map((member) => ({ member, name: member })),
};

function room(question: WhomQuestion) {
  const answered: ChatInput[] = [];
  let away = false;
  const answer = (_: unknown, about: ChatInput): Promise<ChatResult> => {
    if (away) return Promise.reject(new Fault('LOG_UNAVAILABLE'));
    answered.push(about);
    return Promise.resolve({ session: 's', answer: 'a', sentences: [], notices: [] });
  };
  const chat = {
    answer,
    answerOrAsk: (who: unknown, about: ChatInput) =>
      about.member === 'ben' ? answer(who, about) : Promise.resolve(question),
  };
  const call = (round: Partial<Round>) =>
    answerInRounds({ chat, requestStates }, caller, input, UNFOLLOWED, {
      mayAsk: true,
      state: undefined,
      responses: undefined,
      asked: (result) => result,
      ...round,
    });
  const setAway = (now: boolean): void => {
    away = now;
  };
  return { answered, call, setAway };
}

function stateOf(result: ChatResult | InputRequiredResult): string {
  assert.ok(isInputRequiredResult(result));
  return String(result.requestState);
}

const chose = (member: unknown) => ({ member: { action: 'accept', content: { member } } });
const wrong = { code: 'INVALID_ARGUMENT' };

test('B-MC-18: whom was chosen is whom it is about, once', async () => {
  const { answered, call } = room(choice);
  const state = stateOf(await call({}));
  const responses = { ...chose('ben'), other: { action: 'accept' }, ['__proto__']: {} };
  await call({ state, responses });
  assert.deepEqual(answered, [{ ...input, member: 'ben' }]);
  await assert.rejects(call({ state, responses }), wrong);
  await assert.rejects(call({ state }), wrong);
});

test('B-MC-18: a state without an answer to its question asks again and completes nothing', async () => {
  const { answered, call } = room(choice);
  const state = stateOf(await call({}));
  for (const responses of [
    undefined,
    {},
    { whom: { action: 'accept', content: { member: 'ben' } } },
    { member: { action: 'accept' } },
    { member: { action: 'accept', content: {} } },
    { member: { roots: [] } },
    { member: { role: 'user', content: 'ben' } },
    ...[7, null, '', ['ben'], 'dov', 'x'.repeat(129)].map(chose),
  ]) {
    assert.notEqual(stateOf(await call({ state, responses })), state);
  }
  assert.deepEqual(answered, []);
  await call({ state, responses: chose('ben') });
  assert.equal(answered.length, 1);
});

test('an answer that nobody asked for is none', async () => {
  const { answered, call } = room(choice);
  stateOf(await call({ responses: chose('ben') }));
  assert.deepEqual(answered, []);
});

test('a decline, or a cancel, gives the questions in the result', async () => {
  const { answered, call } = room(choice);
  for (const action of ['decline', 'cancel']) {
    const state = stateOf(await call({}));
    await call({ state, responses: { member: { action } } });
  }
  assert.deepEqual(answered, [input, input]);
});

test('B-MC-18: there are only so many questions in one call', async () => {
  const { answered, call } = room(open);
  let result = await call({});
  let asked = 0;
  while (isInputRequiredResult(result)) {
    asked += 1;
    result = await call({ state: stateOf(result), responses: chose('somebody') });
  }
  assert.equal(asked, LIMITS.questionsPerCallMax);
  assert.deepEqual(answered, [{ ...input, member: 'somebody' }]);
});

test('a state stands where what it was for has failed', async () => {
  const { answered, call, setAway } = room(choice);
  const state = stateOf(await call({}));
  setAway(true);
  await assert.rejects(call({ state, responses: chose('ben') }), { code: 'LOG_UNAVAILABLE' });
  setAway(false);
  await call({ state, responses: chose('ben') });
  assert.equal(answered.length, 1);
});

test('whose client takes no forms is never asked', async () => {
  const { answered, call } = room(choice);
  await call({ mayAsk: false });
  assert.deepEqual(answered, [input]);
});

test('a form asks for one member in words or by name, and for no secret', async () => {
  for (const question of [open, choice]) {
    const result = await room(question).call({});
    assert.ok(isInputRequiredResult(result));
    const { inputRequests } = result;
    assert.deepEqual(Object.keys(inputRequests ?? {}), ['member']);
    const text = JSON.stringify(inputRequests);
    assert.doesNotMatch(text, /password|secret|token|social|ssn|pin\b/i);
    assert.match(text, /"mode":"form"/);
  }
});
