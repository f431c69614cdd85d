import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../kernel/clock.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { given } from '../given.ts';
import type { Answer, Question } from '../model.ts';
import { decodeLegacy } from '../stedi/legacy.ts';
import { decodePlans } from '../stedi/plans.ts';
import { legacyBody, plansBody } from '../stedi/requests.ts';
import { validate } from '../validate.ts';
import { decode271 } from '../x12/decode.ts';
import { encode270 } from '../x12/encode.ts';
import { Known } from './known.ts';
import { type Simulator, startSimulator } from './server.ts';

const PATHS = {
  legacy: '/2024-04-01/change/medicalnetwork/eligibility/v3',
  x12: '/2024-04-01/change/medicalnetwork/eligibility/v3/raw-x12',
  plans: '/2026-06-01/eligibility-check',
};

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator({ clock: systemClock, slots: 200, timeScale: 0 });
});
after(() => simulator.stop());

async function post(path: string, body: JsonObject): Promise<[JsonObject, string]> {
  const answer = await fetch(`${simulator.url}${path}`, {
    method: 'POST',
    headers: { authorization: 'test_key', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  return [JSON.parse(text) as JsonObject, text];
}

/** The MBI look-up asks by a social security number, which our questions never hold. */
const PEOPLE = new Known().script.people.filter(({ subscriber }) => subscriber.ssn === undefined);

const questionOf = (one: (typeof PEOPLE)[number]): Question => ({
  payer: one.payer,
  provider: { npi: '1999999984', name: 'Provider Name' },
  subscriber: given(one.subscriber),
  ...(one.dependent && { dependent: given(one.dependent) }),
  serviceTypes: [one.case === 'dental' ? '35' : '30'],
});

/** What must be the same in every shape: the new one repeats a benefit for each service type. */
function said({ benefits, rejections }: Answer) {
  return {
    refused: rejections.map(({ code, followUp, loop }) => [code, followUp, loop]),
    benefits: benefits
      .flatMap(({ path: _, serviceTypes, dates: __, ...one }) =>
        (serviceTypes.length > 0 ? serviceTypes : ['']).map((type) => JSON.stringify([one, type])),
      )
      .map((text) => JSON.stringify(JSON.parse(text), undefined, 0))
      .toSorted(),
  };
}

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .toSorted(([a], [b]) => a.localeCompare(b))
            .map(([key, one]) => [key, sorted(one)]),
        )
      : value;
const same = (answer: Answer) => {
  const { refused, benefits } = said(answer);
  return [refused, benefits.map((one) => JSON.stringify(sorted(JSON.parse(one)))).toSorted()];
};

test('B-EL-3: every person of the simulator is answered alike in all three shapes, without a fault', async () => {
  assert.equal(PEOPLE.length, 37);
  await Promise.all(
    PEOPLE.map(async (one) => {
      const question = questionOf(one);
      assert.deepEqual(validate(question, '2026-11-30'), [], one.case);
      const [legacy, text] = await post(PATHS.legacy, legacyBody(question));
      const first = decodeLegacy(legacy, text);
      const [plans, plansText] = await post(PATHS.plans, plansBody(question));
      const second = decodePlans(plans, plansText);
      const x12 = encode270(question, { number: 7, at: Date.UTC(2026, 10, 30), usage: 'T' });
      const [raw] = await post(PATHS.x12, { x12 });
      const third = decode271(String(raw.x12));
      const name = `${one.case} ${one.subscriber.memberId}`;
      for (const answer of [first, second, third]) assert.deepEqual(answer.faults, [], name);
      assert.deepEqual(same(second), same(first), name);
      assert.deepEqual(same(third), same(first), name);
      assert.deepEqual(same(decode271(String(legacy.x12))), same(first), name);
      const expected = one.refused
        ? [[one.refused.code, one.refused.followUp, one.refused.loop]]
        : [];
      assert.deepEqual(said(first).refused, expected, name);
      assert.equal(first.benefits.length > 0, one.refused === undefined, name);
    }),
  );
});

test('a number that nobody has is AAA 75, a payer that nobody knows AAA 79', async () => {
  const body = legacyBody({
    payer: '60054',
    provider: { npi: '1999999984', name: 'Provider Name' },
    subscriber: { memberId: 'NOBODY' },
    serviceTypes: ['30'],
  });
  const answers = [body, { ...body, tradingPartnerServiceId: 'NOPAYER' }].map(async (one) => {
    const [json, text] = await post(PATHS.legacy, one);
    return decodeLegacy(json, text).rejections.map(({ code }) => code);
  });
  assert.deepEqual(await Promise.all(answers), [['75'], ['79']]);
});

test('the MBI look-up names the number', async () => {
  const [json, text] = await post(PATHS.legacy, {
    tradingPartnerServiceId: 'MBILU',
    provider: { organizationName: 'Provider Name', npi: '1999999984' },
    subscriber: { lastName: 'Doe', dateOfBirth: '19550505', ssn: '123456789' },
    encounter: { serviceTypeCodes: ['30'] },
  });
  assert.equal(decodeLegacy(json, text).subscriber?.memberId, '1AA2CC3DD45');
});
