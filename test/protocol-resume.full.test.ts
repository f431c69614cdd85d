import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { readDocument, resultOf } from './support/ask.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, type RawStream } from './support/streams.ts';

/** peers.md T7: streams that are killed at random lose nothing, and no act is done twice. */
const CHANGES = 40;
const KILLS = 12;
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);

let server: TestServer;
let ana: string;
before(async () => {
  server = await startServer();
  ana = await server.token('ana');
});
after(() => server.stop());

/** Park and Miller's generator: the same numbers for the same seed. */
function randomBelow(max: number): number {
  state = (state * 48_271) % 2_147_483_647;
  return state % max;
}
let state = SEED || 1;

interface Page {
  readonly changes: readonly { uri: string; etag?: string }[];
  readonly next: string;
  readonly more: boolean;
}

/** An agent: whatever the feed names after its cursor is acted upon; a notice only wakes it. */
class Agent {
  readonly acts: string[] = [];
  #cursor = 'now';
  #stream: RawStream | undefined;

  async pull(): Promise<void> {
    for (let more = true; more; ) {
      const uri = `mcp://twins/changes/${this.#cursor}`;
      const { contents } = await resultOf(server, ana, 'resources/read', { uri });
      const [content] = contents as { text: string }[];
      const { data } = JSON.parse(content?.text ?? '') as { data: Page };
      for (const change of data.changes) {
        if (change.uri === ANA_COVERAGE) this.acts.push(String(change.etag));
      }
      this.#cursor = data.next;
      more = data.more;
    }
  }

  async reconnect(): Promise<void> {
    this.#stream?.close();
    this.#stream = await listen(server, ana, [ANA_COVERAGE]);
    await this.pull();
  }

  get told(): number {
    return this.#stream?.told.length ?? 0;
  }

  close(): void {
    this.#stream?.close();
  }
}

test(`P2, B-MC-8: killed at random, an agent misses nothing and acts once (FUZZ_SEED=${SEED})`, async () => {
  const agent = new Agent();
  await agent.reconnect();
  const writing = (async () => {
    let position = '';
    for (let n = 0; n < CHANGES; n += 1) {
      ({ position } = await changeCoverage(server));
      await sleep(randomBelow(20));
    }
    return position;
  })();
  for (let n = 0; n < KILLS; n += 1) {
    await sleep(randomBelow(80));
    if (randomBelow(2) === 0) await agent.pull();
    await agent.reconnect();
  }
  const position = await writing;
  const meta = { 'io.digital-twin/minPosition': position };
  const newest = await readDocument(server, ana, ANA_COVERAGE, meta);
  await agent.pull();
  agent.close();
  assert.equal(agent.acts.at(-1), newest.etag, 'the newest state was acted upon');
  assert.equal(new Set(agent.acts).size, agent.acts.length, 'no state was acted upon twice');
  assert.ok(agent.acts.length > 3, `${agent.acts.length} acts`);
});
