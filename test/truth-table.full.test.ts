import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World } from '../src/access/oracle.rig.ts';
import { parseRelation } from '../src/access/relations-text.ts';
import { startServer, type TestServer } from './support/server.ts';
import { castOf } from './support/truth/identities.ts';
import {
  type Identity,
  type Relations,
  SECTIONS,
  type Section,
  type Verdict,
  verdictOf,
} from './support/truth/meaning.ts';
import { LISTS, READS, type Shown, type Surface } from './support/truth/surfaces.ts';

/**
 * Who is shown what: principal, actor, scope, purpose, relations, section and variant, against an
 * evaluator that shares no line with the product, the same by every surface.
 */
const MEMBER = { id: 'demo-dov', organization: 'demo' };
const TOKENS = 430;
/** Relations of one request. */
const BATCH = 400;
/** Tokens whose reads are looked up in the audit, too. */
const AUDITED = 120;
/** Tokens that ask at once. */
const ABREAST = 4;

const REFUSALS: Readonly<Record<'scope' | 'purpose' | 'absent', RegExp>> = {
  scope: /^(INSUFFICIENT_SCOPE|insufficient_scope)$/,
  purpose: /^PURPOSE_REFUSED$/,
  absent: /^(NOT_FOUND|-32602)$/,
};

interface Asked {
  readonly identity: Identity;
  readonly token: string;
  readonly verdicts: Readonly<Record<Section, Verdict>>;
}

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const etags = new Map<string, string>();
let server: TestServer;
let asked: readonly Asked[];

before(async () => {
  server = await startServer({ env: { REQUESTS_PER_SECOND: '100000' } });
  const { identities, relations } = castOf(MEMBER, randomFrom(seed), TOKENS);
  for (let from = 0; from < relations.length; from += BATCH) {
    await server.relations('touch', ...relations.slice(from, from + BATCH));
  }
  const written = new Set([...relations, ...(await relationsThere())]);
  const told = { world: new World([...written].map(parseRelation), Date.now()), written };
  asked = await Promise.all(identities.map((identity) => asking(identity, told)));
  await learnEtags();
});
after(() => server.stop());

async function asking(identity: Identity, told: Relations): Promise<Asked> {
  const { user, actor, scope, purpose } = identity;
  const token = await server.token(user, {
    scope,
    ...(actor !== undefined && { actor }),
    ...(purpose !== undefined && { purpose }),
  });
  const verdicts = SECTIONS.map((name) => [name, verdictOf(told, identity, MEMBER, name)]);
  return { identity, token, verdicts: Object.fromEntries(verdicts) as Asked['verdicts'] };
}

/** Those of the demo: the member's own, and of whoever is related to them. */
async function relationsThere(): Promise<string[]> {
  const token = await server.token('operator', { scope: 'relations:write' });
  const types = ['member', 'organization', 'careteam', 'practitioner', 'user'];
  const lists = await Promise.all(
    types.map(async (type) => {
      const response = await server.fetch(token, `/v1/relations?type=${type}`);
      return ((await response.json()) as { relationships: string[] }).relationships;
    }),
  );
  return lists.flat();
}

/** Dov sees all of his, the nurse what is not protected, who pays for him the minimum. */
async function learnEtags(): Promise<void> {
  const known = [
    ['full', await server.token('dov')],
    ['general', await server.token('nurse')],
    ['general', await server.token('tt-1')],
    ['minimal', await server.token('dov', { purpose: 'HPAYMT' })],
  ] as const;
  for (const [variant, token] of known) {
    for (const section of variant === 'minimal' ? (['profile'] as const) : SECTIONS) {
      const response = await server.fetch(token, `/v1/twins/member/${MEMBER.id}/${section}`);
      if (response.ok) etags.set(`${variant} ${section}`, String(response.headers.get('etag')));
    }
  }
  assert.equal(new Set(etags.values()).size, etags.size, 'each variant has an etag of its own');
  assert.equal(etags.size, 2 * SECTIONS.length + 1);
}

test('P1: the cases are many, of every verdict', (t) => {
  const counts = new Map<Verdict, number>();
  for (const { verdicts } of asked) {
    for (const verdict of Object.values(verdicts)) {
      counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    }
  }
  const sum = [...counts.values()].reduce((all, count) => all + count, 0);
  const list = [...counts].map(([verdict, count]) => `${verdict} ${count}`).join(', ');
  t.diagnostic(`${sum} cases, seed ${seed}: ${list}`);
  assert.ok(sum >= 2_000);
  for (const verdict of ['full', 'general', 'minimal', 'scope', 'purpose', 'absent'] as const) {
    assert.ok((counts.get(verdict) ?? 0) >= 20, verdict);
  }
});

for (const [name, surface] of Object.entries(READS)) {
  test(`P1, P10: ${name} shows what the table says, and refuses as it says`, async () => {
    await compare(surface, ({ verdicts }, shown) =>
      SECTIONS.filter((section) => {
        const verdict = verdicts[section];
        if (verdict === 'scope' || verdict === 'purpose' || verdict === 'absent') {
          return !REFUSALS[verdict].test(shown[section]);
        }
        return shown[section] !== etags.get(`${verdict} ${section}`);
      }),
    );
  });
}

for (const [name, surface] of Object.entries(LISTS)) {
  test(`P1: ${name} holds what the table says, and leaves out the rest`, async () => {
    await compare(surface, ({ verdicts }, shown) =>
      SECTIONS.filter((section) => {
        const etag = etags.get(`${verdicts[section]} ${section}`);
        if (etag === undefined) return shown[section] !== 'absent';
        return shown[section] !== etag && shown[section] !== 'found';
      }),
    );
  });
}

test('P1, P5: the audit says of each plain read what came of it', async () => {
  const began = new Date().toISOString();
  const wanted = new Map<string, { readonly what: string; readonly verdict: Verdict }>();
  const plain = asked.slice(0, AUDITED);
  for (const { token, verdicts } of plain) {
    for (const section of SECTIONS) {
      const path = `/v1/twins/member/${MEMBER.id}/${section}`;
      const response = await server.fetch(token, path);
      await response.arrayBuffer();
      const correlation = String(response.headers.get('correlation-id'));
      wanted.set(correlation, { what: section, verdict: verdicts[section] });
    }
  }
  const events = await auditEvents(began);
  for (const [correlation, { what, verdict }] of wanted) {
    const found = events.get(correlation);
    const named = `${what}, ${verdict}`;
    if (verdict === 'scope') assert.equal(found, undefined, named);
    else if (verdict === 'purpose' || verdict === 'absent') assert.equal(found, 'denied', named);
    else assert.equal(found, verdict, named);
  }
});

/** By correlation id: the variant that was shown, or `denied`. */
async function auditEvents(from: string): Promise<Map<string, string>> {
  const token = await server.token('officer', { scope: 'audit:read' });
  const response = await server.fetch(token, `/v1/audit/events?from=${encodeURIComponent(from)}`);
  assert.equal(response.status, 200);
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const { outcome, entity } = JSON.parse(line) as AuditEvent;
      const details = entity.flatMap(({ detail = [] }) => detail);
      const valued = (name: string) => details.find(({ type }) => type === name)?.valueString ?? '';
      const request = entity.find(({ type }) => type?.code === 'XrequestId');
      const id = request?.what?.identifier?.value ?? valued('XrequestId');
      return [id, outcome === '0' ? valued('variant') : 'denied'];
    }),
  );
}

interface AuditEvent {
  readonly outcome: string;
  readonly entity: readonly {
    readonly type?: { readonly code?: string };
    readonly what?: { readonly identifier?: { readonly value?: string } };
    readonly detail?: readonly { readonly type: string; readonly valueString?: string }[];
  }[];
}

async function compare(
  surface: Surface,
  wrong: (asked: Asked, shown: Shown) => readonly Section[],
): Promise<void> {
  const faults: string[] = [];
  for (let from = 0; from < asked.length; from += ABREAST) {
    await Promise.all(
      asked.slice(from, from + ABREAST).map(async (one) => {
        const shown = await surface(server, one.token, MEMBER.id);
        for (const section of wrong(one, shown)) {
          const { role, actor = 'no agent', scope, purpose = 'no purpose' } = one.identity;
          faults.push(
            `${role}, ${actor}, ${scope}, ${purpose}, ${section}: ` +
              `${one.verdicts[section]}, but shown ${shown[section]}`,
          );
        }
      }),
    );
  }
  assert.deepEqual(
    faults.slice(0, 20),
    [],
    `${faults.length} of ${asked.length} tokens, seed ${seed}`,
  );
}

/** mulberry32, so that a seed gives the same cast everywhere. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
