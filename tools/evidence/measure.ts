import { CLIENTS, type TestClient, type ToolResult } from '../../test/support/clients.ts';
import { startServer, type TestServer } from '../../test/support/server.ts';
import { createBm25, firstOf } from './baselines.ts';
import { bundlesOf, isMet, type MemberBundle, type Question } from './sets.ts';

const CHARS_PER_TOKEN = 4;
const SEARCH_TOKENS = 500;
const PAIR_TOKENS = 2_000;
/** The least that a read may be given (contract). */
const READ_TOKENS_MIN = 100;
const READER = 'reader';

/** One question asked in every way; texts are kept for who wants to see why. */
export interface Asked {
  readonly question: Question;
  readonly search: Way;
  readonly pair: Way;
  readonly bm25: Way;
  readonly raw: Way;
}

export interface Way {
  readonly met: boolean;
  readonly text: string;
  readonly tokens: number;
}

/** Imports the members into a fresh server and asks everything through the tools. */
export async function measure(
  questions: readonly Question[],
  folders?: readonly string[],
): Promise<Asked[]> {
  const members = new Set(questions.map(({ member }) => member));
  const bundles = bundlesOf(members, folders);
  const server = await startServer({ env: { DEMO: 'off' } });
  try {
    const order = [...bundles.shared, ...bundles.members.map(({ json }) => json)];
    for (const bundle of order) await importOne(server, bundle);
    const grants = [...members].map((id) => `member:${id}#self@user:${READER}`);
    await server.relations('touch', ...grants);
    const client = await connect(server);
    try {
      return await askAll(client, questions, bundles.members);
    } finally {
      await client.close();
    }
  } finally {
    await server.stop();
  }
}

async function importOne(server: TestServer, bundle: string): Promise<void> {
  const response = await server.importBundle(bundle, 'evidence');
  if (!response.ok) throw new Error(`import: ${response.status} ${await response.text()}`);
}

async function connect({ url, token, dataDir }: TestServer): Promise<TestClient> {
  const open = CLIENTS['SDK 2.x over HTTP, 2026-07-28'];
  if (open === undefined) throw new Error('no such client');
  return await open({ url, token: await token(READER), dataDir, as: READER });
}

async function askAll(
  client: TestClient,
  questions: readonly Question[],
  bundles: readonly MemberBundle[],
): Promise<Asked[]> {
  const raw = new Map(bundles.map(({ member, json }) => [member, json]));
  const bm25 = new Map(bundles.map(({ member, json }) => [member, createBm25(json)]));
  const asked: Asked[] = [];
  for (const question of questions) {
    const chars = PAIR_TOKENS * CHARS_PER_TOKEN;
    const way = (text: string): Way => ({
      met: isMet(question.answers, text),
      text,
      tokens: Math.ceil(text.length / CHARS_PER_TOKEN),
    });
    const { search, pair } = await ask(client, question);
    asked.push({
      question,
      search: way(search),
      pair: way(pair),
      bm25: way(bm25.get(question.member)?.(question.question, chars) ?? ''),
      raw: way(firstOf(raw.get(question.member) ?? '', chars)),
    });
  }
  return asked;
}

/** Search alone, and search followed by one read of its first result with what is left. */
async function ask(
  client: TestClient,
  { question, member }: Question,
): Promise<{ search: string; pair: string }> {
  const found = await client.call('search', { query: question, member, budget: SEARCH_TOKENS });
  const search = textOf(found);
  if (search.length > SEARCH_TOKENS * CHARS_PER_TOKEN) throw new Error('search is over its budget');
  const { results = [] } = (found.structuredContent ?? {}) as { results?: { uri: string }[] };
  const [first] = results;
  const budget = PAIR_TOKENS - Math.ceil(search.length / CHARS_PER_TOKEN);
  if (first === undefined || budget < READ_TOKENS_MIN) return { search, pair: search };
  const read = await client.call('readDocument', { uri: first.uri, focus: question, budget });
  const pair = `${search}\n${textOf(read)}`;
  if (pair.length > PAIR_TOKENS * CHARS_PER_TOKEN + 1) throw new Error('the pair is over');
  return { search, pair };
}

function textOf({ content, isError }: ToolResult): string {
  const text = content.map((part) => part.text ?? '').join('\n');
  if (isError === true) throw new Error(`a tool answered an error: ${text}`);
  return text;
}
