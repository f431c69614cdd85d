/** Random relations, asked of an engine and of the oracle: call it from a test file. */

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import fc from 'fast-check';
import type { ObjectRef, RelationChange, Relationship } from '../twin/ports.ts';
import { MEANING, World } from './oracle.rig.ts';
import { printRelation } from './relations-text.ts';
import type { CheckQuery, Engine } from './spicedb/engine.ts';

/** So few of each that relations meet. */
const IDS: Readonly<Record<string, readonly string[]>> = {
  user: ['ana', 'ben', 'eve'],
  agent: ['helper', 'other'],
  organization: ['north', 'south'],
  careteam: ['blue', 'red'],
  practitioner: ['kim', 'lee'],
  member: ['m1', 'm2'],
  session: ['s1', 's2'],
  client: ['app', 'shop'],
  moment: ['1/helper', '2/other'],
};

/** Relations and the types of their subjects; `!` must expire, `?` may. */
const RELATIONS: Readonly<Record<string, readonly string[]>> = {
  user: [
    ...['all', 'profile', 'coverage', 'care', 'clinical', 'financial', 'chat'].map(
      (what) => `agent_${what}: agent?`,
    ),
    // Since when: of no meaning to anybody's right.
    'agent_since: moment',
  ],
  organization: [
    ...['admin', 'staff', 'nurse', 'coordinator', 'billing', 'privacy_officer'].map(
      (role) => `${role}: user`,
    ),
    'agent_policy: agent',
  ],
  careteam: ['clinician: user', 'coordinator: user'],
  practitioner: ['self: user', 'organization: organization'],
  member: [
    'organization: organization',
    'self: user?',
    'guardian: user?',
    'delegate: user?',
    'care_team: careteam',
    'practitioner: practitioner',
    'emergency: user!',
    'sensitive_consent: user',
    'sensitive_consent: careteam',
  ],
  session: ['member: member', 'participant: user', 'participant: agent'],
  client: ['suspended: organization'],
};

type Ends = 'never' | 'later' | 'ended';

interface Drawn {
  readonly relationship: Relationship;
  readonly ends: Ends;
}

const objectOf = (type: string): fc.Arbitrary<ObjectRef> =>
  fc.constantFrom(...(IDS[type] ?? [])).map((id) => ({ type, id }));

/** The type first, then its relations: members have most, and most of what is asked. */
const drawn: fc.Arbitrary<Drawn> = fc
  .constantFrom(
    'member',
    'member',
    'member',
    'organization',
    'careteam',
    'practitioner',
    'session',
    'user',
    'client',
  )
  .chain((type) => fc.tuple(objectOf(type), fc.constantFrom(...(RELATIONS[type] ?? []))))
  .chain(([resource, rule]) => {
    const [relation = '', says = ''] = rule.split(': ');
    const subjectType = says.replace(/[?!]$/, '');
    const ends: fc.Arbitrary<Ends> = says.endsWith('!')
      ? fc.constantFrom('later', 'ended')
      : says.endsWith('?')
        ? fc.constantFrom('never', 'later', 'ended')
        : fc.constant('never');
    return fc.tuple(objectOf(subjectType), ends).map(([subject, when]) => ({
      relationship: { resource, relation, subject },
      ends: when,
    }));
  });

/** One expiration a relationship, as in SpiceDB. */
const relations = fc.uniqueArray(drawn, {
  minLength: 3,
  maxLength: 25,
  selector: ({ relationship }) => printRelation(relationship),
});

/** Who is asked about, where it is not a user. */
const ASKERS: Readonly<Record<string, readonly string[]>> = {
  ...{ user: ['agent'], organization: ['agent'], session: ['user', 'agent'] },
  client: ['organization'],
};

const asked: fc.Arbitrary<CheckQuery> = fc
  .constantFrom(
    ...['member', 'member', 'member', 'practitioner', 'session', 'user'],
    ...['organization', 'client'],
  )
  .chain((type) => {
    const permission = fc.constantFrom(...Object.keys(MEANING[type] ?? {}));
    const subjectType = fc.constantFrom(...(ASKERS[type] ?? ['user']));
    return fc.record({ subject: subjectType.chain(objectOf), permission, object: objectOf(type) });
  });

/** About one of the relations, so that no permission is always refused. */
function askedOf({ relationship }: Drawn): fc.Arbitrary<CheckQuery> {
  const { resource, subject } = relationship;
  const permissions = Object.keys(MEANING[resource.type] ?? {});
  const asks = (ASKERS[resource.type] ?? ['user']).includes(subject.type);
  if (permissions.length === 0 || !asks) return asked;
  return fc.constantFrom(...permissions).map((permission) => ({
    ...{ subject, permission, object: resource },
  }));
}

const worlds = relations.chain((drawnOnes) =>
  fc.record({
    relations: fc.constant(drawnOnes),
    questions: fc.array(fc.oneof(asked, asked, fc.oneof(...drawnOnes.map(askedOf))), {
      ...{ minLength: 40, maxLength: 40 },
    }),
  }),
);
type Case = { readonly relations: readonly Drawn[]; readonly questions: readonly CheckQuery[] };

export interface OracleRun {
  readonly runs: number;
  readonly seed?: number;
  /** Without looking for a smaller world that shows the same. */
  readonly endOnFailure?: boolean;
}

/** Answers by permission: how often it was given and refused. */
type Tally = Map<string, { yes: number; no: number }>;

export function oracleSuite(name: string, start: () => Promise<Engine>, run: OracleRun): void {
  suite(`Oracle: ${name}`, () => {
    let engine: Engine;
    before(async () => {
      engine = await start();
    });
    after(() => engine.close());

    test('checks and look-ups are what the relations mean', async (t) => {
      const seed = run.seed ?? Date.now() % 2 ** 31;
      t.diagnostic(`seed ${seed}`);
      const tally: Tally = new Map();
      await compare(engine, { ...run, seed }, tally);
      for (const [permission, { yes, no }] of tally) {
        assert.ok(yes > 0 && no > 0, `${permission}: ${yes} yes, ${no} no`);
      }
      const permissions = Object.values(MEANING).flatMap((rules) => Object.keys(rules));
      assert.equal(tally.size, permissions.length, 'every permission was asked for');
    });
  });
}

/** @throws with seed and the smallest world found in which the two differ */
export async function compare(
  engine: Engine,
  { runs, seed, endOnFailure = false }: OracleRun & { readonly seed: number },
  tally: Tally = new Map(),
): Promise<void> {
  let number = 0;
  const property = fc.asyncProperty(worlds, (one) =>
    agree(engine, one, `w${seed}-${number++}-`, tally),
  );
  await fc.assert(property, { numRuns: runs, seed, endOnFailure });
}

/** Each world has ids of its own, so that none sees another's relations. */
async function agree(engine: Engine, one: Case, mark: string, tally: Tally): Promise<void> {
  const own = <T extends ObjectRef>(ref: T): T => ({ ...ref, id: mark + ref.id });
  const nowMs = Date.now();
  const there = one.relations.map(
    ({ relationship, ends }): Relationship => ({
      ...relationship,
      resource: own(relationship.resource),
      subject: own(relationship.subject),
      ...(ends !== 'never' && { expiresAt: instant(ends, nowMs) }),
    }),
  );
  await engine.write(
    there.map((relationship): RelationChange => ({ operation: 'touch', relationship })),
  );
  const world = new World(there, nowMs);
  const questions = one.questions.map(({ subject, permission, object }) => ({
    subject: own(subject),
    permission,
    object: own(object),
  }));
  const { allowed } = await engine.check(questions, { kind: 'full' });
  for (const [index, { subject, permission, object }] of questions.entries()) {
    const meant = world.allows(subject, permission, object);
    count(tally, `${object.type}#${permission}`, meant);
    const said = `${subject.type}:${subject.id} ${permission} ${object.type}:${object.id}`;
    assert.equal(allowed[index], meant, `${said}\n${there.map(printRelation).join('\n')}`);
  }
  for (const { subject, permission, object } of questions.slice(0, 2)) {
    const query = { subject, permission, type: object.type, limit: 100 };
    const { ids } = await engine.lookupResources(query, { kind: 'full' });
    const all = (IDS[object.type] ?? []).map((id) => own({ type: object.type, id }));
    const meant = all.filter((other) => world.allows(subject, permission, other));
    // What is reached in two ways may be told twice.
    assert.deepEqual([...new Set(ids)].sort(), meant.map(({ id }) => id).sort(), 'looked up');
  }
}

function instant(ends: Ends, nowMs: number): string {
  return new Date(ends === 'later' ? nowMs + 3_600_000 : nowMs - 60_000).toISOString();
}

function count(tally: Tally, permission: string, yes: boolean): void {
  const found = tally.get(permission) ?? { yes: 0, no: 0 };
  tally.set(permission, { yes: found.yes + Number(yes), no: found.no + Number(!yes) });
}
