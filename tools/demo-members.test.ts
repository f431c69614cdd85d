import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEMO_FOLDER, demoFiles } from './demo-members.ts';
import { ROOT } from './files.ts';

interface Entry {
  readonly resource: { readonly resourceType: string; readonly id: string };
  readonly request: { readonly url: string };
}

const files = demoFiles();
const entries = new Map(
  [...files].map(([name, text]) => [name, (JSON.parse(text) as { entry: Entry[] }).entry]),
);
const key = ({ resource }: Entry): string => `${resource.resourceType}/${resource.id}`;

test('what is committed is what the script writes', () => {
  for (const [name, text] of files) {
    assert.equal(readFileSync(join(ROOT, DEMO_FOLDER, name), 'utf8'), text, name);
  }
});

test('every id stands once, fits the rule of ids, and is the one of its request', () => {
  const all = [...entries].flatMap(([name, list]) => (name === 'update-ana.json' ? [] : list));
  assert.equal(new Set(all.map(key)).size, all.length);
  for (const entry of all) {
    assert.match(entry.resource.id, /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/);
    assert.equal(entry.request.url, key(entry));
  }
});

test('every reference leads into the same bundle or the directory', () => {
  const shared = (entries.get('directory.json') ?? []).map(key);
  for (const [name, list] of entries) {
    const known = new Set([...shared, ...list.map(key), 'Patient/demo-ana']);
    for (const [, target = ''] of (files.get(name) ?? '').matchAll(/"reference": "([^"]+)"/g)) {
      assert.ok(known.has(target), `${name} refers to ${target}`);
    }
  }
});

test('the update changes a record that is there, and is younger', () => {
  const [update, ...more] = entries.get('update-ana.json') ?? [];
  assert.deepEqual(more, []);
  const before = entries
    .get('demo-ana.json')
    ?.find((entry) => update && key(entry) === key(update));
  assert.ok(before !== undefined && update !== undefined);
  assert.notDeepEqual(update.resource, before.resource);
});
