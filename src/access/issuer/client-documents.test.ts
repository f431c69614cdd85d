import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test } from 'node:test';
import { Fault } from '../../kernel/errors.ts';
import { isPublicAddress, type Resolve } from '../../kernel/public-address.ts';
import { fetchDocument, refusalOfUrl } from './client-documents.ts';

/** security.md §6, 99: a client id that is a URL makes this server ask whoever it names. */

const GOOD = 'https://client.example.org/mcp.json';

test('B-AS-5: a document may stand on a public host by https, and nowhere else', () => {
  assert.equal(refusalOfUrl(GOOD, false), undefined);
  const refused = [
    ...['https://169.254.169.254/x', 'http://client.example.org/x', 'https://127.0.0.1/x'],
    ...['https://[::ffff:127.0.0.1]/x', 'https://[::1]/x', 'https://2130706433/x'],
    ...['https://0x7f000001/x', 'https://0177.0.0.1/x', 'https://127.1/x', 'https://0/x'],
    ...['https://localhost/x', 'https://localhost./x', 'https://a.localhost/x'],
    ...['https://client.example.org:8443/x', 'https://user:pw@client.example.org/x'],
    ...['https://client.example.org/', 'https://client.example.org', 'https://intranet/x'],
    ...['https://client.example.org/x#f', 'https://client.example.org/a/../x'],
    ...['HTTPS://client.example.org/x', 'https://CLIENT.example.org/x', 'file:///etc/passwd'],
    ...['https://client.example.org./x', 'https://１２７.0.0.1/x', ` ${GOOD}`, `${GOOD}\n`],
    ...['data:application/json,{}', 'javascript:1', `${GOOD}?${'x'.repeat(600)}`],
  ];
  for (const id of refused) assert.notEqual(refusalOfUrl(id, false), undefined, id);
});

test('B-AS-5: loopback takes a setting, and then means localhost alone', () => {
  assert.match(String(refusalOfUrl('https://localhost:8443/x', false)), /OAUTH_LOOPBACK_CLIENTS/);
  assert.equal(refusalOfUrl('https://localhost:8443/x', true), undefined);
  for (const id of ['https://127.0.0.1:8443/x', 'https://10.0.0.1/x', 'http://localhost:1/x']) {
    assert.notEqual(refusalOfUrl(id, true), undefined, id);
  }
});

test('B-AS-5: an address is public, or it is none of the special ones in any spelling', () => {
  for (const address of ['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::1']) {
    assert.ok(isPublicAddress(address), address);
  }
  const special = [
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254'],
    ...['172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.168.0.1', '198.18.0.1'],
    ...['198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
    ...[
      '::',
      '::1',
      '::ffff:8.8.8.8',
      '::ffff:7f00:1',
      '64:ff9b::7f00:1',
      'fe80::1',
      'fe80::1%eth0',
    ],
    ...['fc00::1', 'fd12::1', 'fec0::1', 'ff02::1', '2001:db8::1', '2002:7f00:1::', '100::1'],
    ...['3fff::1', '2001::1', '', 'localhost', '1.2.3'],
  ];
  for (const address of special) assert.ok(!isPublicAddress(address), address);
});

/** A resolver that says one thing after the other, and counts. */
function resolving(...answers: LookupAddress[][]): { resolve: Resolve; asked: () => number } {
  let asked = 0;
  const resolve: Resolve = (_host, answer) => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    answer(null, addresses);
  };
  return { resolve, asked: () => asked };
}

const ipv4 = (address: string): LookupAddress => ({ address, family: 4 });

async function refusalOf(resolve: Resolve): Promise<string> {
  try {
    await fetchDocument(GOOD, { loopback: false, resolve });
  } catch (error) {
    assert.ok(error instanceof Fault);
    return error.message;
  }
  return 'taken';
}

test('B-AS-5: a public name that means a private address is not connected to', async () => {
  for (const addresses of [
    [ipv4('127.0.0.1')],
    [ipv4('169.254.169.254')],
    [ipv4('8.8.8.8'), ipv4('10.0.0.1')],
    [{ address: '::ffff:127.0.0.1', family: 6 }],
    [{ address: 'fd00::1', family: 6 }],
  ]) {
    const { resolve, asked } = resolving(addresses);
    assert.match(await refusalOf(resolve), /names a host that is not public/);
    assert.equal(asked(), 1);
  }
});

test('B-AS-5: the look-up that is checked is the one that is connected by', async () => {
  // Public when looked at first, this machine when looked at again: there is no second look.
  const { resolve, asked } = resolving([ipv4('203.0.113.7')], [ipv4('127.0.0.1')]);
  assert.match(await refusalOf(resolve), /not public/);
  assert.equal(asked(), 1);
});
