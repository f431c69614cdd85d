import assert from 'node:assert/strict';
import { sleep } from '../../src/kernel/clock.ts';
import { readDocument } from './ask.ts';
import { bundleOf, patient } from './changes.ts';
import type { TestServer } from './server.ts';
import { listen, type RawStream } from './streams.ts';

/** Below the cap of one principal (kernel/limits.ts). */
const STREAMS_A_READER = 50;
/** Readers that open their streams at the same time, each one after the other. */
const AT_ONCE = 32;
const RELATIONS_A_WRITE = 500;
const TRIES_MAX = 10;
const RETRY_MS = 500;

export interface Listening {
  readonly uri: string;
  readonly stream: RawStream;
}

/** Readers and as many members on one server: reader n may read the members n and n + 1. */
export interface Crowd {
  uriOf(member: number): string;
  /** Opens this many listen streams, of one URI each; fails on one that is not acknowledged. */
  open(streams: number): Promise<Listening[]>;
  /** Gives members another name, in one bundle; resolves when it is accepted. */
  change(...members: readonly number[]): Promise<void>;
  /** Lets the readers of a member read it: no news to a new subscription any more. */
  read(member: number): Promise<void>;
}

export async function gatherCrowd(server: TestServer, streams: number): Promise<Crowd> {
  const readers = Math.ceil(streams / STREAMS_A_READER);
  const idOf = (member: number): string => `crowd-${member % readers}`;
  const uriOf = (member: number): string => `mcp://twins/member/${idOf(member)}/profile`;
  let version = 0;
  const change = async (...members: readonly number[]): Promise<void> => {
    version += 1;
    const lastUpdated = new Date(Date.UTC(2026, 0, 1) + version * 1_000).toISOString();
    const name = [{ family: `Version ${version}`, given: ['Testa'] }];
    const records = members.map((one) => patient(idOf(one), { meta: { lastUpdated }, name }));
    const response = await server.importBundle(bundleOf(...records));
    assert.equal(response.status, 201, await response.text());
  };
  const all = Array.from({ length: readers }, (_, reader) => reader);
  await change(...all);
  await relate(
    server,
    all.flatMap((reader) =>
      [reader, reader + 1].map((one) => `member:${idOf(one)}#guardian@user:reader-${reader}`),
    ),
  );
  const tokens = await Promise.all(all.map((reader) => server.token(`reader-${reader}`)));
  const read = async (member: number): Promise<void> => {
    for (const reader of [member, (member + readers - 1) % readers]) {
      await readDocument(server, tokens[reader] ?? '', uriOf(member));
    }
  };
  await inTurns(all, read);
  const open = async (count: number): Promise<Listening[]> => {
    const opened: Listening[] = [];
    await inTurns(all, async (reader) => {
      const own = Math.min(STREAMS_A_READER, count - reader * STREAMS_A_READER);
      for (let n = 0; n < own; n += 1) {
        const uri = uriOf(reader + (n % 2));
        opened.push({ uri, stream: await opening(server, tokens[reader] ?? '', uri) });
      }
    });
    return opened;
  };
  return { uriOf, open, change, read };
}

/** A check that takes too long is 503, for whoever is to come again: so under a load this heavy. */
async function opening(server: TestServer, token: string, uri: string): Promise<RawStream> {
  for (let tries = 1; ; tries += 1) {
    const stream = await listen(server, token, [uri]);
    if (stream.status !== 503 || tries === TRIES_MAX) {
      assert.deepEqual([stream.status, stream.acknowledged], [200, [uri]]);
      return stream;
    }
    await sleep(RETRY_MS);
  }
}

async function relate(server: TestServer, relations: readonly string[]): Promise<void> {
  for (let from = 0; from < relations.length; from += RELATIONS_A_WRITE) {
    await server.relations('touch', ...relations.slice(from, from + RELATIONS_A_WRITE));
  }
}

async function inTurns(
  readers: readonly number[],
  work: (reader: number) => Promise<void>,
): Promise<void> {
  const left = readers.values();
  const worker = async (): Promise<void> => {
    for (const reader of left) await work(reader);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
