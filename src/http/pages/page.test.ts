import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { PAGES } from '../../contract/pages.ts';
import { html } from '../../kernel/html.ts';
import { agentsPage } from './agents.ts';
import { sendOwnPage } from './page.ts';

const ISSUER = 'https://login.example.org/realms/acme';

function shown(pagesClientId: string | undefined, issuer = ISSUER) {
  const said = { status: 0, headers: {} as Record<string, string>, text: '' };
  const res = {
    writeHead: (status: number, headers: Record<string, string>) =>
      void Object.assign(said, { status, headers }),
    end: (text: string) => void Object.assign(said, { text }),
  } as unknown as ServerResponse;
  const authenticator = {
    authenticate: () => assert.fail('nobody is asked'),
    challenge: () => '',
    metadata: () => ({
      resource: 'https://twin.example.org/mcp',
      authorization_servers: [issuer],
      scopes_supported: ['api://twin/twin:read', 'api://twin/agents:manage'],
    }),
  };
  const page = { title: 'Agents', script: 'agents.js', of: PAGES.agents };
  sendOwnPage(res, { authenticator, pagesClientId }, page, agentsPage());
  return said;
}

test('B-AG-8: beside a company’s issuer people log in there, by the client that is registered', () => {
  const { status, headers, text } = shown('pages-of-acme');
  assert.equal(status, 200);
  for (const part of [
    `data-issuer="${ISSUER}"`,
    'data-client="pages-of-acme"',
    'data-scope="api://twin/agents:manage"',
    'data-redirect="https://twin.example.org/me/agents"',
  ]) {
    assert.ok(text.includes(part), part);
  }
  const policy = headers['content-security-policy'] ?? '';
  assert.match(policy, /connect-src 'self' https:\/\/login\.example\.org;/);
  assert.match(policy, /^default-src 'none'; script-src 'nonce-[^']+'; style-src 'nonce-[^']+';/);
  assert.doesNotMatch(policy, /unsafe|\*/);
});

test('B-AG-8: without such a client the page says which setting is needed, and runs nothing', () => {
  const { status, text } = shown(undefined);
  assert.equal(status, 503);
  assert.match(text, /OAUTH_PAGES_CLIENT_ID/);
  assert.match(text, /https:\/\/twin\.example\.org\/me\/agents/);
  assert.doesNotMatch(text, /<script/);
});

test('B-AG-9: nothing that is put into the page is markup, and no page has the nonce of another', () => {
  const { text, headers } = shown('"><script>alert(1)</script>');
  assert.doesNotMatch(text, /<script>alert/);
  assert.equal(html`<p>${`"'<&>`}</p>`.text, '<p>&quot;&#39;&lt;&amp;&gt;</p>');
  const policy = 'content-security-policy';
  assert.notEqual(headers[policy], shown('x').headers[policy]);
});
