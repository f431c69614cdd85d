/**
 * The events' schemas: `npm run schemas:generate` writes the code of `src/contract/events` and the
 * published versions; the gate says where either is not current.
 */

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import type { PublishedSchema } from '../src/contract/schemas.ts';
import { ROOT } from './files.ts';

const SCHEMAS = join(ROOT, 'schemas');
const CODE = 'src/contract/events';
const VERSIONS = join(SCHEMAS, 'versions.json');

/** Above whatever a registry of a company counts up to, so that neither's id means the other's. */
const FIRST_ID = 2_100_000_001;

if (process.argv[1] === import.meta.filename) generate();

function generate(): void {
  generateCode(ROOT);
  writeFileSync(VERSIONS, printVersions(currentVersions()));
}

/** What is not current; nothing when all is well. */
export function checkGenerated(): string[] {
  const mend = 'run `npm run schemas:generate`';
  const folder = mkdtempSync(join(tmpdir(), 'schemas-'));
  try {
    cpSync(SCHEMAS, join(folder, 'schemas'), { recursive: true });
    generateCode(folder);
    const all = new Set([...codeIn(folder), ...codeIn(ROOT)]);
    const stale = [...all].filter((path) => {
      return textOf(join(folder, path)) !== textOf(join(ROOT, path));
    });
    const versions = printVersions(currentVersions());
    if (versions !== textOf(VERSIONS)) stale.push('schemas/versions.json');
    return stale.map((path) => `${path} is not what the schemas say: ${mend}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function generateCode(root: string): void {
  for (const path of codeIn(root)) rmSync(join(root, path));
  buf(['generate', '--template', 'buf.gen.yaml', '.'], join(root, 'schemas'));
}

function codeIn(root: string): string[] {
  return globSync(`${CODE}/**/*_pb.*`, { cwd: root });
}

function currentVersions(): PublishedSchema[] {
  const published = descriptors(readFileSync(join(SCHEMAS, 'baseline.binpb')));
  const current = describe(buf(['build', '--exclude-source-info', '-o', '-'], SCHEMAS));
  return nextVersions(
    readVersions(),
    published,
    current.map((file) => ({
      file: file.name,
      descriptor: textual(file),
      references: file.dependency.filter((name) => !name.startsWith('google/')),
      text: readFileSync(join(SCHEMAS, file.name), 'utf8'),
    })),
  );
}

/**
 * Each file whose descriptor changed gets a new version, and so a new id, once its latest one is
 * in the baseline: what was published stays readable by its id for as long as a topic keeps it.
 * @param published descriptors of the baseline by file
 */
export function nextVersions(
  versions: readonly PublishedSchema[],
  published: ReadonlyMap<string, string>,
  current: readonly Omit<PublishedSchema, 'id' | 'version'>[],
): PublishedSchema[] {
  const next = [...versions];
  for (const one of current) {
    const at = next.findLastIndex((version) => version.file === one.file);
    const last = next[at];
    const replace = last !== undefined && published.get(one.file) !== last.descriptor;
    if (last?.descriptor === one.descriptor && !replace) continue;
    const id = replace ? last.id : FIRST_ID + next.length;
    const version = { id, version: (last?.version ?? 0) + (replace ? 0 : 1), ...one };
    if (replace) next[at] = version;
    else next.push(version);
  }
  return next;
}

function describe(set: Uint8Array): FileDescriptorProto[] {
  const { file } = fromBinary(FileDescriptorSetSchema, set);
  return file.filter(({ name }) => !name.startsWith('google/'));
}

function descriptors(set: Uint8Array): Map<string, string> {
  return new Map(describe(set).map((file) => [file.name, textual(file)]));
}

/** Without comments: what makes another version. */
function textual(file: FileDescriptorProto): string {
  return Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString('base64');
}

function readVersions(): PublishedSchema[] {
  return existsSync(VERSIONS)
    ? (JSON.parse(readFileSync(VERSIONS, 'utf8')) as PublishedSchema[])
    : [];
}

function printVersions(versions: readonly PublishedSchema[]): string {
  return `${JSON.stringify(versions, null, 2)}\n`;
}

function textOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function buf(args: readonly string[], cwd: string): Uint8Array {
  const path = join(ROOT, 'node_modules', '.bin');
  const env = { ...process.env, PATH: path + delimiter + process.env.PATH };
  const { status, stdout, stderr, error } = spawnSync(join(path, 'buf'), args, { cwd, env });
  if (status === 0) return stdout;
  throw new Error(`buf ${args[0]}: ${error?.message ?? String(stderr)}`);
}
