import { bundleOf, patient } from '../../test/support/changes.ts';
import { type BenchServer, progress } from '../harness.ts';

const BATCH = 200;

export interface Enrolled {
  /** Of the people who may read `membersEach` members each. */
  tokens(): Promise<string[]>;
  readonly idOf: (member: number) => string;
  readonly readers: readonly string[];
}

/** Members on a whole server, and people who may read so many of them each. */
export async function enrol(
  server: BenchServer,
  members: number,
  membersEach: number,
): Promise<Enrolled> {
  const idOf = (member: number): string => `bench-${member}`;
  const readerOf = (member: number): string => `reader-${Math.floor(member / membersEach)}`;
  const importer = await server.token('operator', 'sources:write');
  const granter = await server.token('operator', 'relations:write');
  for (let from = 0; from < members; from += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, members - from) }, (_, n) => from + n);
    const bundle = bundleOf(...ids.map((n) => patient(idOf(n))));
    await server.post(importer, '/v1/sources?source=bench', bundle);
    const changes = ids.map((n) => ({
      operation: 'touch',
      relationship: `member:${idOf(n)}#delegate@user:${readerOf(n)}`,
    }));
    await server.post(granter, '/v1/relations', JSON.stringify({ changes }));
    progress(`${from + ids.length} members`);
  }
  const readers = Array.from({ length: Math.ceil(members / membersEach) }, (_, n) =>
    readerOf(n * membersEach),
  );
  return { idOf, readers, tokens: () => Promise.all(readers.map((one) => server.token(one))) };
}
