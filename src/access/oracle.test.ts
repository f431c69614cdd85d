import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MEANING } from './oracle.rig.ts';
import { compare, oracleSuite } from './oracle-suite.rig.ts';
import { startEmbeddedEngine } from './spicedb/embedded.ts';
import { SCHEMA_TEXT, schemaWords } from './spicedb/schema.ts';

oracleSuite('the embedded SpiceDB', async () => startEmbeddedEngine(), { runs: 150 });

test('the oracle knows every permission that somebody may ask for', () => {
  /** Parts of other permissions. */
  const isShared = (name: string): boolean => name.startsWith('working_');
  // A relation that is asked for itself.
  const plain: Readonly<Record<string, readonly string[]>> = { client: ['suspended'] };
  for (const [type, { permissions }] of schemaWords()) {
    const known = Object.keys(MEANING[type] ?? {}).sort();
    const asked = [...permissions].filter((name) => !isShared(name));
    assert.deepEqual([...asked, ...(plain[type] ?? [])].sort(), known, type);
  }
});

const SLIPS: readonly (readonly [string, string, string])[] = [
  [
    'emergency reads what is financial',
    'view_financial = self',
    'view_financial = emergency + self',
  ],
  ['coordinators read what is clinical', '+ care_team->clinician', '+ care_team->working_care'],
  ['a team is not asked for its clinicians', ' + sensitive_consent->clinician', ''],
  [
    'an organization’s staff see coverage',
    'working_coverage = nurse',
    'working_coverage = staff + nurse',
  ],
];

for (const [slip, from, to] of SLIPS) {
  test(`the oracle notices when ${slip}`, async () => {
    const schema = SCHEMA_TEXT.replace(from, to);
    assert.notEqual(schema, SCHEMA_TEXT);
    const engine = startEmbeddedEngine({ schema });
    await assert.rejects(
      compare(engine, { runs: 500, seed: 1, endOnFailure: true }),
      /Property failed/,
    );
    await engine.close();
  });
}
