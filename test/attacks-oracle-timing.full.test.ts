import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { after, before, type TestContext, test } from 'node:test';
import { bundleOf, patient } from './support/changes.ts';
import { distanceOf } from './support/kolmogorov-smirnov.ts';
import { modernMessage } from './support/raw.ts';
import { startServer, type TestServer } from './support/server.ts';

/**
 * security.md §6, 40 and 41: how long an answer takes does not tell whether a member is there. Of each
 * kind are 40 members, asked for in turn and in random order, so that what is cached, and whatever else
 * the machine does, falls upon all alike. What is compared is the distribution, never a number of ms.
 */
const SAMPLES = Number(process.env.ORACLE_SAMPLES ?? 2_000);
const WARM_UP = 200;
const MEMBERS = 40;
/** Of a thousand honest runs one fails; it is repeated once, and then one of a million. */
const ALPHA = 0.001;

const KINDS = ['forbid', 'strang', 'absent'] as const;
type Kind = (typeof KINDS)[number];
const idOf = (kind: Kind, n: number): string => `${kind}-${String(n % MEMBERS).padStart(2, '0')}`;

let server: TestServer;
let ben: string;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

before(async () => {
  server = await startServer({ env: { REQUESTS_PER_SECOND: '1000000', DEMO: 'off' } });
  const all = (kind: Kind) => Array.from({ length: MEMBERS }, (_, n) => patient(idOf(kind, n)));
  for (const [tenant, members] of [
    ['demo', all('forbid')],
    ['far-away', all('strang')],
  ] as const) {
    const scope = 'sources:write relations:write';
    const operator = await server.token('operator', { tenant, scope });
    const headers = { 'content-type': 'application/fhir+json' };
    const init = { method: 'POST', headers, body: bundleOf(...members) };
    const answer = await server.fetch(operator, '/v1/sources?source=oracle', init);
    assert.equal(answer.status, 201, await answer.text());
  }
  ben = await server.token('ben');
});
after(async () => {
  agent.destroy();
  await server.stop();
});

interface Answered {
  readonly ms: number;
  readonly status: number;
  readonly text: string;
}

/** One request on one connection, until its answer, or the first message of its stream, is there. */
function asked(
  method: string,
  path: string,
  more: Record<string, string>,
  body?: string,
): Promise<Answered> {
  const { hostname, port } = new URL(server.url);
  const headers = { ...more, authorization: `Bearer ${ben}` };
  const streams = body?.includes('subscriptions/listen') === true;
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const own = streams ? false : agent;
    const req = request({ hostname, port, method, path, headers, agent: own }, (res) => {
      let text = '';
      const done = (): void =>
        resolve({ ms: performance.now() - began, status: res.statusCode ?? 0, text });
      res.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (!streams || !text.includes('\n\n')) return;
        done();
        res.destroy();
      });
      res.on('end', done);
      res.on('error', () => undefined);
    });
    req.on('error', reject);
    req.end(body);
  });
}

function mcp(method: string, params: Record<string, unknown>, name?: string): Promise<Answered> {
  const { headers, body } = modernMessage(method, params, name);
  return asked('POST', '/mcp', Object.fromEntries(headers), body);
}

const uriOf = (member: string): string => `mcp://twins/member/${member}/profile`;

const SURFACES: Readonly<Record<string, (member: string) => Promise<Answered>>> = {
  '40: a read over MCP': (member) => mcp('resources/read', { uri: uriOf(member) }, uriOf(member)),
  '40: a read over plain HTTP': (member) => asked('GET', `/v1/twins/member/${member}/profile`, {}),
  '41: the acknowledgement of a listen': (member) =>
    mcp('subscriptions/listen', { notifications: { resourceSubscriptions: [uriOf(member)] } }),
};

/** Times of each kind, in rounds of random order, and every size and status that came. */
async function sample(ask: (member: string) => Promise<Answered>, rounds: number) {
  const times: Record<Kind, number[]> = { forbid: [], strang: [], absent: [] };
  const shapes = new Set<string>();
  for (let round = -WARM_UP; round < rounds; round += 1) {
    const n = Math.floor(Math.random() * MEMBERS);
    for (const kind of shuffled(KINDS)) {
      const { ms, status, text } = await ask(idOf(kind, n));
      if (round < 0) continue;
      times[kind].push(ms);
      shapes.add(`${status}, ${Buffer.byteLength(text)} bytes`);
    }
  }
  return { times, shapes: [...shapes] };
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

const PAIRS = [
  ['forbid', 'forbidden and absent'],
  ['strang', 'of another tenant and absent'],
] as const;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

for (const [name, ask] of Object.entries(SURFACES)) {
  test(`B-FM-6: ${name} takes as long whether or not a member is there`, async (t) => {
    const suspicious = await compared(t, ask, PAIRS);
    if (suspicious.length === 0) return;
    t.diagnostic('once more, on a fresh interleaving');
    assert.deepEqual(await compared(t, ask, suspicious), []);
  });
}

/** The pairs whose times are told apart; that sizes differ is no question of chance. */
async function compared(
  t: TestContext,
  ask: (member: string) => Promise<Answered>,
  pairs: readonly (typeof PAIRS)[number][],
): Promise<(typeof PAIRS)[number][]> {
  const { times, shapes } = await sample(ask, SAMPLES);
  assert.equal(shapes.length, 1, shapes.join(' or '));
  t.diagnostic(`each answer: ${shapes.join()}`);
  return pairs.filter(([kind, says]) => {
    const { d, p } = distanceOf(times[kind], times.absent);
    const medians = [times[kind], times.absent].map((one) => median(one).toFixed(2)).join(' and ');
    t.diagnostic(
      `${says}: D ${d.toFixed(4)}, p ${p.toFixed(4)}, n ${SAMPLES}; medians ${medians} ms`,
    );
    return p < ALPHA;
  });
}

test('the test tells a refusal that asks nobody from one that was decided on', async (t) => {
  const [unasked, absent]: [number[], number[]] = [[], []];
  const read = async (id: string) => (await asked('GET', `/v1/twins/member/${id}/profile`, {})).ms;
  for (let n = 0; n < 2_000; n += 1) {
    // No id of ours: refused before any decision, as one that is unknown must never be.
    unasked.push(await read(`${idOf('absent', n)};`));
    absent.push(await read(idOf('absent', n)));
  }
  const { d, p } = distanceOf(unasked, absent);
  t.diagnostic(`not decided on, and absent: D ${d.toFixed(4)}, p ${p.toExponential(1)}`);
  assert.ok(p < ALPHA);
});

test('the distance and its chance are those of the books', () => {
  const [one, other] = [
    [1, 2, 3, 4],
    [3, 4, 5, 6],
  ];
  assert.equal(distanceOf(one, other).d, 0.5);
  assert.equal(distanceOf(one, one).p, 1);
  // The critical distance of two samples of 2,000 at 0.05 is 1.358 √(2/2000).
  const even = Array.from({ length: 2_000 }, (_, n) => n);
  const shifted = even.map((n) => n + 86);
  assert.ok(Math.abs(distanceOf(even, shifted).p - 0.05) < 0.005);
});
