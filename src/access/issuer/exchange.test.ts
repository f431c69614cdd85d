import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors } from 'oidc-provider';
import { LIMITS } from '../../kernel/limits.ts';
import type { Principal } from '../../twin/ports.ts';
import { ACCESS_TOKEN, type ExchangeRequest, exchange } from './exchange.ts';
import type { RegisteredClient } from './registered-clients.ts';

const ISSUER = 'http://localhost:3333';
const AUDIENCE = `${ISSUER}/mcp`;
const NOW = 1_800_000_000;

const assistant: RegisteredClient = {
  ...{ id: 'assistant', name: 'Assistant', secretHash: '', agent: true, redirectUris: [] },
  ...{ tenant: 'demo', scopes: ['twin:read', 'twin:search', 'twin:chat'] },
};

type Claims = Readonly<Record<string, unknown>>;
const ANA: Claims = {
  ...{ iss: ISSUER, sub: 'ana', client_id: 'portal', jti: 'j1', tenant: 'demo' },
  ...{ scope: 'twin:read twin:search admin', exp: NOW + 600, acr: 'a', auth_time: 5 },
};
const AGENT: Claims = {
  ...ANA,
  sub: 'agent:assistant',
  client_id: 'assistant',
  jti: 'j2',
  scope: '',
};

/** Tokens are their claims here: what verifies them is tested beside it. */
function parts() {
  const claimsOf = (token: string): Claims => JSON.parse(token) as Claims;
  return {
    ...{ issuer: ISSUER, audience: AUDIENCE, now: () => NOW, claimsOf },
    async verify(token: string): Promise<Principal> {
      const { sub, tenant, client_id, scope, jti, exp, iss } = claimsOf(token);
      const agent = String(sub).startsWith('agent:');
      return {
        kind: agent ? 'agent' : 'user',
        subject: String(sub).replace('agent:', ''),
        tenant: String(tenant),
        clientId: String(client_id),
        scopes: new Set(String(scope).split(' ')),
        issuer: String(iss),
        tokenId: String(jti),
        expiresAtMs: Number(exp) * 1000,
      } as Principal;
    },
  };
}

const asking = (subject: Claims, more: ExchangeRequest = {}): ExchangeRequest => ({
  subject_token: JSON.stringify(subject),
  subject_token_type: ACCESS_TOKEN,
  ...more,
});

async function refusal(request: ExchangeRequest, client: RegisteredClient | null = assistant) {
  try {
    await exchange(request, client ?? undefined, parts());
  } catch (error) {
    assert.ok(error instanceof errors.OIDCProviderError, String(error));
    return `${error.error}: ${error.error_description}`;
  }
  return 'taken';
}

test('B-AS-7: the token says who acts, for whom, here alone, and no longer than its source', async () => {
  const { claims, parentId } = await exchange(asking(ANA), assistant, parts());
  assert.deepEqual(claims, {
    ...{ iss: ISSUER, aud: AUDIENCE, sub: 'ana', client_id: 'assistant', tenant: 'demo' },
    ...{ scope: 'twin:read twin:search', act: { sub: 'agent:assistant' }, acr: 'a', auth_time: 5 },
    ...{ iat: NOW, exp: NOW + 600 },
  });
  assert.equal(parentId, 'j1');
  const long = await exchange(asking({ ...ANA, exp: NOW + 90_000 }), assistant, parts());
  assert.equal(long.claims.exp, NOW + LIMITS.tokenLifeMaxSeconds);
});

test('B-AS-7: scopes are narrowed, never widened, by the person’s token and the agent’s row', async () => {
  const { scopes } = await exchange(asking(ANA, { scope: 'twin:read:care' }), assistant, parts());
  assert.deepEqual(scopes, ['twin:read:care']);
  for (const scope of ['admin', 'twin:chat', 'twin:read admin', 'twin:read nothing']) {
    assert.match(await refusal(asking(ANA, { scope })), /^invalid_scope/, scope);
  }
});

test('B-AS-7: the present actor stands outermost, earlier ones inside, in a bounded chain', async () => {
  const before = { act: { sub: 'agent:scribe', act: { sub: 'agent:front' } } };
  const { claims } = await exchange(asking({ ...ANA, ...before }), assistant, parts());
  assert.deepEqual(claims.act, { sub: 'agent:assistant', ...before });
  const again = await exchange(asking({ ...ANA, act: claims.act }), assistant, parts());
  assert.deepEqual(again.claims.act, claims.act);
  const deep = [1, 2, 3, 4].reduce<Claims>((act, n) => ({ sub: `agent:a${n}`, act }), {
    sub: 'agent:a0',
  });
  assert.match(await refusal(asking({ ...ANA, act: deep })), /too many agents/);
});

test('B-AS-7: may_act names the one actor, and goes on naming it', async () => {
  const mine = { ...ANA, may_act: { sub: 'agent:assistant' } };
  const { claims } = await exchange(asking(mine), assistant, parts());
  assert.deepEqual(claims.may_act, { sub: 'agent:assistant' });
  for (const may_act of [
    ...[{ sub: 'agent:other' }, { sub: 'assistant' }, {}, 'agent:assistant', null, []],
    ...[
      { sub: 'agent:assistant', iss: 'https://else.example' },
      { sub: 'agent:assistant', x: 1 },
    ],
  ]) {
    const answer = await refusal(asking({ ...ANA, may_act }));
    assert.match(answer, /^invalid_request: may_act/, JSON.stringify(may_act));
  }
});

test('B-AS-7: the audience is this server alone', async () => {
  for (const more of [{ audience: AUDIENCE }, { resource: AUDIENCE }, { audience: [AUDIENCE] }]) {
    assert.equal(await refusal(asking(ANA, more)), 'taken');
  }
  for (const other of [`${AUDIENCE}/`, ISSUER, 'https://upstream.example', '']) {
    const named = await refusal(asking(ANA, { audience: [AUDIENCE, other] }));
    assert.match(named, /^invalid_target/, other);
  }
  const type = 'urn:ietf:params:oauth:token-type:refresh_token';
  assert.match(await refusal(asking(ANA, { requested_token_type: type })), /^invalid_request/);
});

test('B-AS-7: only an agent asks, with a person’s token of this issuer and of its tenant', async () => {
  assert.match(await refusal(asking(ANA), null), /only an agent/);
  assert.match(await refusal(asking(ANA), { ...assistant, agent: false }), /only an agent/);
  assert.match(await refusal(asking(AGENT)), /must be of a person/);
  assert.match(await refusal(asking({ ...ANA, iss: 'https://else.example' })), /of this issuer/);
  assert.match(await refusal(asking({ ...ANA, tenant: 'acme' })), /another tenant/);
  assert.match(await refusal(asking({ ...ANA, exp: NOW })), /has ended/);
  assert.match(await refusal({ subject_token_type: ACCESS_TOKEN }), /subject_token is missing/);
  assert.match(await refusal(asking(ANA, { subject_token: 'x' })), /subject_token is not valid/);
  assert.match(await refusal(asking(ANA, { subject_token_type: 'x' })), /subject_token_type/);
});

test('B-AS-7: an actor’s token is one of the client that asks', async () => {
  const actor = (claims: Claims) => ({
    actor_token: JSON.stringify(claims),
    actor_token_type: ACCESS_TOKEN,
  });
  assert.equal(await refusal(asking(ANA, actor(AGENT))), 'taken');
  for (const claims of [ANA, { ...AGENT, client_id: 'other' }, { ...AGENT, sub: 'agent:other' }]) {
    assert.match(await refusal(asking(ANA, actor(claims))), /actor_token must be of the client/);
  }
  assert.match(await refusal(asking(ANA, { actor_token_type: ACCESS_TOKEN })), /actor_token is/);
});
