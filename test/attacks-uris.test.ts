import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { modernMessage, type RawAnswer, rawRequest } from './support/raw.ts';
import { startServer, type TestServer } from './support/server.ts';

/** security.md §6, 40–41 and 43–60 against the running server; ben may not read demo-ana. */
const MEMBER = 'demo-ana';
const OWN = 'demo-ben';
const OWN_URI = `mcp://twins/member/${OWN}/coverage`;

const SPELLINGS: readonly (readonly [number, string])[] = [
  [43, `mcp://twins/member/x/../${OWN}/coverage`],
  [44, `mcp://twins/member/x/%2e%2e/${OWN}/coverage`],
  [44, `mcp://twins/member/x/./../${OWN}/coverage`],
  [45, `mcp://twins/member/x%2F..%2F${OWN}/coverage`],
  [46, 'mcp://twins/member/%64emo-ben/coverage'],
  [47, `mcp://twins/member//${OWN}/coverage`],
  [47, `mcp://twins//member/${OWN}/coverage`],
  [48, `MCP://twins/member/${OWN}/coverage`],
  [48, `mcp://TWINS/member/${OWN}/coverage`],
  [49, `mcp://evil@twins/member/${OWN}/coverage`],
  [49, `mcp://twins:80/member/${OWN}/coverage`],
  [50, `${OWN_URI}?x=1`],
  [50, `${OWN_URI}#f`],
  [50, `${OWN_URI}/`],
  [51, `\t${OWN_URI}`],
  [51, `${OWN_URI}\n`],
  [51, `${OWN_URI}\r`],
  [51, ` ${OWN_URI}`],
  [51, `${OWN_URI} `],
  [51, `${OWN_URI}\u0000`],
  [52, `mcp://twins/member/${OWN}%00/coverage`],
  [53, 'mcp://twins/member/ｄemo-ben/coverage'],
  [53, `mcp://twіns/member/${OWN}/coverage`],
  [53, 'mcp://twins/member/demo\u200b-ben/coverage'],
  [53, 'mcp://twins/member/e\u0301/coverage'],
  [54, `mcp://twins/member/${OWN};v=1/coverage`],
  [54, `mcp://twins/member/${OWN},${MEMBER}/coverage`],
  [54, 'mcp://twins/member/{memberId}/coverage'],
  [54, 'mcp://twins/member/*/coverage'],
  [54, 'mcp://twins/member/__proto__/coverage'],
  [55, `mcp://twins/member/${'4'.repeat(9_000)}/coverage`],
  [56, `mcp:\\\\twins\\member\\${OWN}\\coverage`],
  [57, `mcp:twins/member/${OWN}/coverage`],
  [57, `mcp:///member/${OWN}/coverage`],
  [58, 'file:///etc/passwd'],
  [58, 'http://169.254.169.254/latest'],
  [58, 'data:text/plain,x'],
  [59, `mcp://twins./member/${OWN}/coverage`],
  [60, `mcp://twins/member/%252e%252e/${OWN}/coverage`],
];

let server: TestServer;
let ben: string;
let tried = 0;

before(async () => {
  server = await startServer();
  ben = await server.token('ben');
});
after(async () => {
  console.log(`# URI attacks tried: ${tried}`);
  await server.stop();
});

async function ask(method: string, params: Record<string, unknown>, name?: string) {
  tried += 1;
  const { headers, body } = modernMessage(method, params, name);
  const answer = await rawRequest(server.url, {
    headers: [['Host', new URL(server.url).host], ['Authorization', `Bearer ${ben}`], ...headers],
    body,
  });
  return { answer, message: messageOf(answer) };
}

interface Message {
  result?: Record<string, unknown>;
  error?: { code: number; message: string; data?: Record<string, unknown> };
  method?: string;
  params?: { notifications?: Record<string, unknown> };
}

function messageOf({ text }: RawAnswer): Message {
  const json = text.startsWith('{') ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? '{}');
  return JSON.parse(json) as Message;
}

test('the canonical spelling is read, so that the others are refused for their spelling', async () => {
  const { message } = await ask('resources/read', { uri: OWN_URI }, OWN_URI);
  assert.ok(message.result, JSON.stringify(message));
});

for (const [number, uri] of SPELLINGS) {
  test(`P10, B-FM-6: ${number}: resources/read refuses ${JSON.stringify(uri.slice(0, 70))}`, async () => {
    const { message } = await ask('resources/read', { uri }, uri);
    assert.equal(message.error?.code, -32602, JSON.stringify(message).slice(0, 300));
    assert.equal(message.result, undefined);
  });
}

test('B-MC-3: 41: a listen acknowledges none of these spellings', async () => {
  const uris = SPELLINGS.map(([, uri]) => uri);
  const { message } = await ask('subscriptions/listen', {
    notifications: { resourceSubscriptions: [...uris, OWN_URI] },
  });
  assert.equal(message.method, 'notifications/subscriptions/acknowledged');
  assert.deepEqual(message.params?.notifications?.resourceSubscriptions, [OWN_URI]);
});

const UNREADABLE = [MEMBER, 'demo-xyz', 'demo-dov'] as const;

test('B-MC-10: 40: forbidden, absent and protected members give the same answer', async () => {
  const answers = await Promise.all(
    UNREADABLE.map(async (member) => {
      const uri = `mcp://twins/member/${member}/coverage`;
      const { answer } = await ask('resources/read', { uri }, uri);
      const neutral = answer.text
        .replaceAll(member, 'MEMBER')
        .replace(/"io\.digital-twin\/correlationId":"\w+"/, '');
      return [answer.status, neutral];
    }),
  );
  assert.deepEqual(answers[0], answers[1]);
  assert.deepEqual(answers[0], answers[2]);
});

test('40: forbidden and absent ids take the same time, within the noise', async () => {
  const counted = tried;
  const times = { 'demo-ana': [] as number[], 'demo-xyz': [] as number[] };
  // By turns, so that whatever else the machine does falls upon both alike.
  for (let round = 0; round < 200; round += 1) {
    for (const [member, own] of Object.entries(times)) {
      const uri = `mcp://twins/member/${member}/coverage`;
      const began = performance.now();
      await ask('resources/read', { uri }, uri);
      own.push(performance.now() - began);
    }
  }
  // Repetitions are no further attacks.
  tried = counted;
  const medians = Object.values(times).map((own) => own.sort((a, b) => a - b)[own.length / 2]);
  console.log(`# median ms, forbidden and absent: ${medians.map((m) => m?.toFixed(2)).join(', ')}`);
});

test('B-MC-12: 41: listen, search and cursors say the same of a forbidden and an absent member', async () => {
  const seen = await Promise.all(
    ['demo-ana', 'demo-xyz'].map(async (member) => {
      const uri = `mcp://twins/member/${member}/coverage`;
      const listen = await ask('subscriptions/listen', {
        notifications: { resourceSubscriptions: [uri] },
      });
      const call = { name: 'search', arguments: { query: 'diabetes', member } };
      const search = await ask('tools/call', call, 'search');
      return [
        listen.message.params?.notifications,
        JSON.stringify(search.message.result).replaceAll(member, 'MEMBER'),
      ];
    }),
  );
  assert.deepEqual(seen[0], seen[1]);
});
