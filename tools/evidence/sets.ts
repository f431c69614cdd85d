import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ROOT } from '../files.ts';

/** One question with what has to stand in the text that answers it. */
export interface Question {
  readonly id: string;
  /** `Patient.id`, which is the member id in development. */
  readonly member: string;
  readonly kind: string;
  readonly section: string;
  readonly question: string;
  /** Met when every group has at least one of its strings in the text. */
  readonly answers: readonly (readonly string[])[];
}

/** The shared development set, and the project's own over another shape of record. */
export const SETS = [
  '../shared/eval/questions.jsonl',
  'test/evidence/questions-2019.jsonl',
] as const;

const FOLDERS = ['../shared/data/fhir/synthea-3.3.0', '../shared/data/fhir/synthea-2019'];

export function readSet(file: string): Question[] {
  return readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Question);
}

/** The name that a set has in reports. */
export function setName(file: string): string {
  return file.replace(/^.*\//, '').replace(/\.jsonl$/, '');
}

export interface MemberBundle {
  readonly member: string;
  readonly json: string;
}

/** The bundles of these members, and before them those that all members of a folder refer to. */
export function bundlesOf(
  members: ReadonlySet<string>,
  folders: readonly string[] = FOLDERS,
): { shared: string[]; members: MemberBundle[] } {
  const shared: string[] = [];
  const found: MemberBundle[] = [];
  for (const folder of folders) {
    const path = join(ROOT, folder);
    const files = readdirSync(path).filter((name) => /\.json(\.gz)?$/.test(name));
    const own = files.flatMap((name): MemberBundle[] => {
      const json = textOf(join(path, name));
      const member = patientOf(json);
      return member !== undefined && members.has(member) ? [{ member, json }] : [];
    });
    found.push(...own);
    if (own.length === 0) continue;
    const common = files.filter((name) => /^(hospital|practitioner)Information/.test(name));
    shared.push(...common.map((name) => textOf(join(path, name))));
  }
  const missing = [...members].filter((id) => !found.some(({ member }) => member === id));
  if (missing.length > 0) throw new Error(`no bundle of ${missing.join(', ')}`);
  return { shared, members: found };
}

function patientOf(bundle: string): string | undefined {
  const { entry = [] } = JSON.parse(bundle) as { entry?: { resource?: Record<string, unknown> }[] };
  const patient = entry.find(({ resource }) => resource?.resourceType === 'Patient');
  return patient === undefined ? undefined : String(patient.resource?.id);
}

function textOf(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

/** Ignoring case and thousands separators, as the set's README says. */
export function isMet(answers: Question['answers'], text: string): boolean {
  const plain = normal(text);
  return answers.every((group) => group.some((answer) => plain.includes(normal(answer))));
}

function normal(text: string): string {
  return text.toLowerCase().replace(/(?<=\d),(?=\d{3})/g, '');
}
