import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ERRORS } from '../../src/contract/errors.ts';
import { ACCEPTED, MALFORMED, REFUSED, UNNAMED } from './forged-tokens.ts';
import { modernMessage, type RawAnswer, rawRequest } from './raw.ts';
import type { TestServer } from './server.ts';

/**
 * Declares the tests of security.md §6, 1–31, each on /mcp and on a plain route, for a server whose
 * issuer's key `forgeWith` has been given.
 */
export function attackTokens(server: () => TestServer): void {
  let tried = 0;
  after(() => console.log(`# token attacks tried: ${tried}`));
  const bothWays = (values: readonly string[]): Promise<RawAnswer[]> => {
    tried += 2;
    return sentBothWays(server().url, values);
  };

  for (const [n, name, forge] of REFUSED) {
    test(`B-AC-5: ${n}: ${name} is 401`, async () => {
      for (const answer of await bothWays([`Bearer ${await forge()}`])) {
        assertRefused(answer, 401, ERRORS.UNAUTHENTICATED.says);
        assertChallenge(server().url, answer, true);
      }
    });
  }

  for (const [n, name, values] of UNNAMED) {
    test(`B-AC-5: ${n}: ${name} is 401`, async () => {
      const sent = values();
      for (const answer of await bothWays(sent)) {
        assertRefused(answer, 401, ERRORS.UNAUTHENTICATED.says);
        assertChallenge(server().url, answer, sent.length > 0);
      }
    });
  }

  for (const [n, name, values] of MALFORMED) {
    test(`B-AC-5: ${n}: ${name} is 400`, async () => {
      for (const answer of await bothWays(values())) {
        assertRefused(answer, 400, ONE_HEADER);
        assert.equal(answer.headers['www-authenticate'], undefined);
      }
    });
  }

  for (const [n, name, values] of ACCEPTED) {
    test(`${n}: ${name} is taken`, async () => {
      for (const answer of await bothWays(values())) assert.equal(answer.status, 200, answer.text);
    });
  }

  test('24: headers past the bound are refused before anything reads them', async () => {
    for (const answer of await bothWays([`Bearer ${'x'.repeat(20_000)}`])) {
      assertRefused(answer, 431, ERRORS.TOO_LARGE.says);
    }
  });
}

const ONE_HEADER = 'Send exactly one Authorization header: Bearer, one space, the token.';

async function sentBothWays(url: string, values: readonly string[]): Promise<RawAnswer[]> {
  const { headers, body } = modernMessage('resources/list', {});
  const host = ['Host', new URL(url).host] as const;
  const authorization = values.map((value) => ['Authorization', value] as const);
  return await Promise.all([
    rawRequest(url, { headers: [host, ...headers, ...authorization], body }),
    rawRequest(url, { headers: [host, ...authorization], method: 'GET', path: '/v1/search?q=a' }),
  ]);
}

function assertRefused(answer: RawAnswer, status: number, says: string): void {
  assert.equal(answer.status, status, answer.text);
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  const { error } = JSON.parse(answer.text) as { error: { message: string } };
  assert.equal(error.message, says);
  assert.ok(answer.text.length < 500, 'no part of a token comes back');
  assert.equal(answer.headers['cache-control'], 'no-store');
}

function assertChallenge(url: string, { headers }: RawAnswer, tokenSent: boolean): void {
  const challenge = String(headers['www-authenticate']);
  const metadata = `${url}/.well-known/oauth-protected-resource/mcp`;
  assert.ok(
    challenge.startsWith(tokenSent ? 'Bearer error="invalid_token", scope="' : 'Bearer scope="'),
  );
  assert.ok(challenge.endsWith(`resource_metadata="${metadata}"`), challenge);
  assert.doesNotMatch(challenge, /offline_access/);
}
