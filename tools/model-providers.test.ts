/**
 * A model provider gets nothing until the tenant's policy names it with purpose and sections, and each
 * such call is a disclosure (docs/security.md). Nothing here calls one, so there is no such gate: these
 * fail for whoever adds a way out before it.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFiles, type SourceFile } from './files.ts';

/** Packages by which programs call models, as their beginnings. */
const SDKS = [
  ...[
    'openai',
    '@anthropic-ai/',
    '@google/gen',
    '@google-cloud/vertexai',
    '@google-cloud/aiplatform',
  ],
  ...['@aws-sdk/client-bedrock', '@azure/openai', '@azure-rest/ai', '@mistralai/', 'cohere-ai'],
  ...[
    'ollama',
    'groq-sdk',
    'replicate',
    'together-ai',
    '@huggingface/',
    'langchain',
    '@langchain/',
  ],
  ...['llamaindex', 'ai', '@ai-sdk/', '@xenova/', 'node-llama-cpp', 'litellm'],
];

/** Every file that opens a connection of HTTP, or of the network itself, and what goes there. */
const WAYS_OUT: Readonly<Record<string, string>> = {
  'src/access/audit/witness.ts': 'hashes of the audit to the witness',
  'src/access/issuer/client-documents.ts': 'nothing: asks for the document that a client names',
  'src/access/tokens/foreign/fetch-json.ts': 'nothing: asks the issuer for metadata and keys',
  'src/config/server-file.ts': 'nothing: asks whether our own server runs',
  'src/eligibility/clearinghouse/http.ts': 'questions about coverage to the clearinghouse',
  'src/gateway/protocols/pusher/webhooks/post.ts':
    'that channels and members came and went, to apps',
  'src/log/events/registry-client.ts': 'schemas to the schema registry',
  'src/operations/start-probes.ts': 'nothing: asks whether a part answers',
};

/** Clients of our own server, to which whatever they send goes. */
const OF_CLIENTS = /^src\/(?:sdk|cli)\//;

/** A call of `fetch` that is no method, or what opens a socket. */
const OPENS =
  /(?<![\w.#])(?:async\s+)?fetch\((?!node: number)|globalThis\.fetch|new (?:WebSocket|EventSource)\(|import (?!type)[^;]*?\b(?:request|get|connect|createConnection|Agent)\b[^;]*?from 'node:(?:http|https|http2|net|tls|dgram)'|from 'undici'|import\('node:(?:http|https|http2|net|tls|dgram)'\)/;

/** MCP's own way to a model of the client: `sampling/createMessage`. */
const SAMPLES = /\bcreateMessage\b|sampling\/createMessage/;

const ours = (): SourceFile[] =>
  readFiles('src/**/*.ts').filter(({ path }) => !/\.(test|rig)\.ts$|\/rig\//.test(path));

const matching = (pattern: RegExp, files = ours()): string[] =>
  files.filter(({ text }) => pattern.test(text)).map(({ path }) => path);

function isOfModels(name: string): boolean {
  return SDKS.some((one) => (one.endsWith('/') ? name.startsWith(one) : isBelow(name, one)));
}

function isBelow(name: string, one: string): boolean {
  // `ai` and `openai` are whole names; `@google/gen` begins some.
  return name === one || (one.startsWith('@') && name.startsWith(one));
}

test('B-AG-10: no dependency calls a model', () => {
  const [manifest] = readFiles('package.json');
  const { dependencies, devDependencies } = JSON.parse(manifest?.text ?? '') as Record<
    string,
    object
  >;
  const names = Object.keys({ ...dependencies, ...devDependencies });
  assert.deepEqual(names.filter(isOfModels), []);
  for (const name of ['openai', '@anthropic-ai/sdk', '@google/genai', 'ai']) {
    assert.equal(isOfModels(name), true, name);
  }
});

test('B-AG-10: what opens a connection is known, with what it sends', () => {
  const found = matching(OPENS).filter((path) => !OF_CLIENTS.test(path));
  assert.deepEqual(found, Object.keys(WAYS_OUT).toSorted());
  const added = { path: 'src/chat/a.ts', text: 'const r = await fetch(MODEL, { body });' };
  assert.deepEqual(matching(OPENS, [added]), ['src/chat/a.ts']);
  const socket = { path: 'src/chat/b.ts', text: "import { request } from 'node:https';" };
  assert.deepEqual(matching(OPENS, [socket]), ['src/chat/b.ts']);
});

test('B-AG-10: the client’s model is asked by the conformance suite’s fixtures alone, of no member', () => {
  assert.deepEqual(matching(SAMPLES), ['src/mcp/conformance/rounds.ts']);
  const [fixtures] = readFiles('src/mcp/conformance/rounds.ts');
  assert.doesNotMatch(fixtures?.text ?? '', /\breader\b|\bview\b/);
});
