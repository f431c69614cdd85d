import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../kernel/errors.ts';
import { escapeHtml } from '../../kernel/html.ts';
import { reducedMetadata } from './client-metadata.ts';
import { visibleText } from './visible-text.ts';

const REDIRECT = 'http://127.0.0.1:6274/oauth/callback';

function refused(said: unknown): string {
  try {
    reducedMetadata(said);
  } catch (error) {
    assert.ok(error instanceof Fault);
    return error.message;
  }
  return 'taken';
}

test('B-AS-6: of what a client says only what is used is kept', () => {
  const said = {
    client_name: 'Inspector',
    redirect_uris: [REDIRECT],
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', 'password'],
    response_types: ['code', 'token'],
    scope: 'admin',
    logo_uri: 'http://169.254.169.254/',
    jwks_uri: 'https://10.0.0.1/',
    software_statement: 'x',
  };
  assert.deepEqual(reducedMetadata(said), {
    client_name: 'Inspector',
    redirect_uris: [REDIRECT],
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  });
});

test('B-AS-6: answers go by https, or to a program of this machine', () => {
  const taken = [
    'https://app.example.org/cb',
    'http://localhost/cb',
    'http://[::1]:1/cb',
    REDIRECT,
  ];
  for (const uri of taken) assert.equal(refused({ redirect_uris: [uri] }), 'taken', uri);
  const wrong = [
    ...['http://app.example.org/cb', 'http://localhost.evil.example/cb', 'http://127.0.0.2/cb'],
    ...['http://user@localhost/cb', 'https://app.example.org/cb#f', 'javascript:alert(1)'],
    ...['data:text/html,x', 'cursor://x/cb', 'https://', '//x', '', 'https://a b/', 5, null],
    `https://app.example.org/${'x'.repeat(600)}`,
  ];
  for (const uri of wrong)
    assert.match(refused({ redirect_uris: [uri] }), /redirect_uris/, `${uri}`);
  for (const redirect_uris of [undefined, [], 'x', Array(11).fill(REDIRECT)]) {
    assert.match(refused({ redirect_uris }), /redirect_uris/);
  }
  for (const said of [null, [], 'x', 1]) assert.match(refused(said), /no JSON object/);
  assert.match(refused({ redirect_uris: [REDIRECT], grant_types: ['implicit'] }), /grant_types/);
  assert.match(refused({ redirect_uris: [REDIRECT], response_types: ['token'] }), /response_types/);
  assert.match(refused({ redirect_uris: [REDIRECT], client_name: {} }), /client_name/);
});

test('B-AS-10: a name cannot turn, hide or cover what stands beside it', () => {
  const shown = (text: string): string => visibleText(text, 20);
  assert.equal(shown('Claude\u202e edualC'), 'Claude edualC');
  assert.equal(shown('Cl\u200bau\u2060de\ufeff'), 'Cl au de');
  assert.equal(shown('a\n\tb\u0000c\u2028d\u2066e'), 'a b c d e');
  assert.equal(shown(`Z${'\u0300'.repeat(50)}`), `Z${'\u0300'.repeat(3)}`);
  assert.equal(shown('Ｃｌａｕｄｅ'), 'Claude');
  assert.equal([...shown('x'.repeat(5_000))].length, 20);
  assert.equal(shown('\ud800 half'), '\ufffd half');
  assert.equal(
    escapeHtml(`<img src=x onerror='1'>&"`),
    '&lt;img src=x onerror=&#39;1&#39;&gt;&amp;&quot;',
  );
});
