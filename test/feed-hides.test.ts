import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readDocument } from './support/ask.ts';
import { bundleOf, patient } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';

/** A feed shows nothing of what may not be known: no entry, no shorter page, no `more`. */
const PROTECTED = 130;

interface Page {
  readonly changes: readonly { readonly uri: string }[];
  readonly next: string;
  readonly more: boolean;
}

let server: TestServer;

before(async () => {
  server = await startServer();
  const subject = { reference: 'Patient/hidden' };
  const condition = (index: number, more: Record<string, unknown>) => ({
    ...{ resourceType: 'Condition', id: `c${index}`, subject, ...more },
    code: { text: `Finding ${index}` },
  });
  const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' }];
  const hidden = Array.from({ length: PROTECTED }, (_, index) =>
    condition(index, { meta: { security } }),
  );
  const records = [patient('hidden'), condition(1_000, {}), ...hidden];
  const imported = await server.importBundle(bundleOf(...records));
  const { position } = (await imported.json()) as { position: string };
  await server.relations(
    'touch',
    'member:hidden#self@user:hana',
    'member:hidden#delegate@user:del',
  );
  // An import is answered by the log; a page holds what the view has.
  const meta = { 'io.digital-twin/minPosition': position };
  await readDocument(server, await server.token('hana'), 'mcp://twins/changes/now', meta);
});
after(() => server.stop());

async function pages(as: string): Promise<Page[]> {
  const token = await server.token(as);
  const found: Page[] = [];
  for (let cursor = 'start'; ; ) {
    const page = (await (await server.fetch(token, `/v1/changes?cursor=${cursor}`)).json()) as Page;
    found.push(page);
    if (!page.more) return found;
    cursor = page.next;
  }
}

const urisOf = (found: readonly Page[]): string[] =>
  found.flatMap(({ changes }) => changes.map(({ uri }) => uri));

test('P1: who may see protected records gets all of them, page by page', async () => {
  const found = await pages('hana');
  const conditions = new Set(urisOf(found).filter((uri) => uri.includes('/Condition/')));
  assert.equal(conditions.size, PROTECTED + 1);
});

test('P1: who may not gets one whole page, as if they were not there', async () => {
  const found = await pages('del');
  assert.equal(found.length, 1, 'no page and no `more` for what is hidden');
  const conditions = urisOf(found).filter((uri) => uri.includes('/Condition/'));
  assert.deepEqual(conditions, ['mcp://twins/member/hidden/clinical/Condition/c1000']);
});
