import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { RelationChange } from '../twin/ports.ts';
import { parseRelation, relationKey } from './relations-text.ts';
import { MEMBER_PERMISSIONS, ROLES, type Role, TRUST } from './roles.ts';
import { startEmbeddedEngine } from './spicedb/embedded.ts';
import { schemaWords } from './spicedb/schema.ts';

const engine = startEmbeddedEngine();
after(() => engine.close());

type Names = Readonly<Record<'M' | 'U' | 'T' | 'P' | 'O', string>>;

function relationsOf(role: Role, names: Names): RelationChange[] {
  return role.relations.map((template) => {
    const text = template.replace(/:([MUTPO])\b/g, (_, name: keyof Names) => `:${names[name]}`);
    return { operation: 'touch', relationship: parseRelation(text) };
  });
}

async function answers(users: readonly string[], members: readonly string[]) {
  const items = users.flatMap((user) =>
    members.flatMap((member) =>
      MEMBER_PERMISSIONS.map((permission) => ({
        subject: { type: 'user', id: user },
        permission,
        object: { type: 'member', id: member },
      })),
    ),
  );
  const { allowed } = await engine.check(items, { kind: 'full' });
  return new Set(
    items
      .filter((_, index) => allowed[index])
      .map((one) => `${one.subject.id} ${one.permission} ${one.object.id}`),
  );
}

for (const [index, role] of ROLES.entries()) {
  test(`B-AC-1: ${role.name}: each permission as the table says, and none elsewhere`, async () => {
    const user = `user-${index}`;
    const names = { M: `m-${index}`, U: user, T: `t-${index}`, P: `p-${index}`, O: `o-${index}` };
    await engine.write(relationsOf(role, names));
    const given = await answers([user], [names.M, 'other']);
    for (const permission of MEMBER_PERMISSIONS) {
      const cell = given.has(`${user} ${permission} ${names.M}`);
      assert.equal(cell, role.may.includes(permission), `${role.name}, ${permission}`);
      assert.ok(!given.has(`${user} ${permission} other`), `${permission} of another member`);
    }
  });
}

test('any set of roles gives what the table gives each, and no more', {
  timeout: 60_000,
}, async () => {
  const [users, members] = [
    ['u1', 'u2', 'u3'],
    ['m1', 'm2', 'm3'],
  ];
  let run = 0;
  const holding = fc.record({
    role: fc.constantFrom(...ROLES),
    user: fc.constantFrom(...users),
    member: fc.constantFrom(...members),
    shared: fc.integer({ min: 1, max: 2 }),
  });
  const property = fc.asyncProperty(fc.array(holding, { maxLength: 12 }), async (holdings) => {
    run++;
    const own = (name: string): string => `${name}-${run}`;
    const changes = holdings.flatMap(({ role, user, member, shared }) =>
      relationsOf(role, {
        M: own(member),
        U: own(user),
        T: own(`t${shared}`),
        P: own(`p${shared}`),
        O: own(`o${shared}`),
      }),
    );
    const distinct = new Map(changes.map((one) => [relationKey(one.relationship), one]));
    if (distinct.size > 0) await engine.write([...distinct.values()]);
    const expected = oracle([...distinct.keys()], users.map(own), members.map(own));
    assert.deepEqual(await answers(users.map(own), members.map(own)), expected);
  });
  await fc.assert(property, { numRuns: 40 });
});

/** The table by brute force: a role is held where all its relations stand, under some names. */
function oracle(keys: readonly string[], users: readonly string[], members: readonly string[]) {
  const given = new Set<string>();
  for (const user of users) {
    for (const member of members) {
      for (const role of ROLES) {
        if (!holds(role, keys, user, member)) continue;
        for (const permission of role.may) given.add(`${user} ${permission} ${member}`);
      }
    }
  }
  return given;
}

function holds(role: Role, keys: readonly string[], user: string, member: string): boolean {
  const bare = role.relations.map((text) => text.replace(/\[.*/, ''));
  const put = (text: string, between: string): string =>
    text
      .replace(':M', `:${member}`)
      .replace(':U', `:${user}`)
      .replace(/:[TPO]\b/, `:${between}`);
  const [first = '', second] = bare;
  if (second === undefined) return keys.includes(put(first, ''));
  return keys.some((key) => {
    const between = key.split('@')[1]?.split(':')[1] ?? '';
    return key === put(first, between) && keys.includes(put(second, between));
  });
}

test('every permission of the table is in the schema, and all of the schema in the table', () => {
  const permissions = [...(schemaWords().get('member')?.permissions ?? [])];
  assert.deepEqual(permissions.sort(), [...MEMBER_PERMISSIONS].sort());
  for (const [type, rules] of Object.entries(TRUST)) {
    const user = schemaWords().get('user');
    for (const [permission, trust] of Object.entries(rules)) {
      assert.ok(schemaWords().get(type)?.permissions.has(permission), `${type} ${permission}`);
      assert.ok(user?.permissions.has(trust) || user?.relations.has(trust), trust);
    }
  }
});

const OTHERS: readonly (readonly [relations: string[], object: string, may: string[]])[] = [
  [
    ['practitioner:d1#self@user:d'],
    'practitioner:d1',
    ['view_profile', 'view_panel', 'view_schedule'],
  ],
  ...(['staff', 'nurse', 'billing', 'privacy_officer', 'coordinator', 'admin'] as const).map(
    (relation): [string[], string, string[]] => [
      [
        `practitioner:${relation.replace('_', '-')}#organization@organization:${relation.replace('_', '-')}`,
        `organization:${relation.replace('_', '-')}#${relation}@user:d`,
      ],
      `practitioner:${relation.replace('_', '-')}`,
      relation === 'privacy_officer'
        ? []
        : relation === 'coordinator' || relation === 'admin'
          ? ['view_profile', 'view_panel', 'view_schedule']
          : ['view_profile'],
    ],
  ),
  [['session:s1#participant@user:d'], 'session:s1', ['view', 'manage']],
  [['session:s2#member@member:sm', 'member:sm#self@user:d'], 'session:s2', ['view']],
  [
    ['session:s3#member@member:sn', 'member:sn#emergency@user:d[expiration:2100-01-01T00:00:00Z]'],
    'session:s3',
    [],
  ],
];

for (const [relations, object, may] of OTHERS) {
  test(`${relations.join(' and ')}: ${may.join(', ') || 'nothing'}`, async () => {
    const touches = relations.map(
      (text): RelationChange => ({ operation: 'touch', relationship: parseRelation(text) }),
    );
    await engine.write(touches);
    const [type = '', id = ''] = object.split(':');
    const permissions = [...(schemaWords().get(type)?.permissions ?? [])];
    const subject = { type: 'user', id: 'd' };
    const { allowed } = await engine.check(
      permissions.map((permission) => ({ subject, permission, object: { type, id } })),
      { kind: 'full' },
    );
    assert.deepEqual(
      permissions.filter((_, index) => allowed[index]),
      may,
    );
  });
}

test('docs/security.md prints this table', () => {
  const text = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  for (const role of ROLES) {
    const cells = MEMBER_PERMISSIONS.map((one) => (role.may.includes(one) ? 'yes' : '–'));
    const row = `| ${role.name} | ${cells.join(' | ')} |`;
    assert.ok(text.includes(row), `missing in docs/security.md: ${row}`);
  }
});
