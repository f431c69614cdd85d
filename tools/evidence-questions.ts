/**
 * Writes `test/evidence/questions-2019.jsonl`: questions over the 2019 shape of Synthea, with
 * answers computed from the raw bundles by a reading of their own. The same bytes on every run.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Chart } from './evidence/questions/fhir.ts';
import { KINDS } from './evidence/questions/kinds.ts';
import { PHRASES } from './evidence/questions/phrases.ts';
import type { Question } from './evidence/sets.ts';
import { ROOT } from './files.ts';

export const QUESTIONS_2019 = 'test/evidence/questions-2019.jsonl';
const FOLDER = '../shared/data/fhir/synthea-2019';

/** Of each member the kinds that its record can answer; every third, in turn, so none is rare. */
export function questions2019(): string {
  const folder = join(ROOT, FOLDER);
  const files = readdirSync(folder).filter((name) => name.endsWith('.json.gz'));
  const lines = files.toSorted().flatMap((name, at) => {
    const chart = new Chart(gunzipSync(readFileSync(join(folder, name))).toString('utf8'));
    return questionsOf(chart, at);
  });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function questionsOf(chart: Chart, at: number): Question[] {
  const member = chart.patient.id;
  return Object.entries(KINDS).flatMap(([kind, read], place): Question[] => {
    const found = (place + at) % 2 === 0 ? read(chart) : undefined;
    const phrases = PHRASES[kind] ?? [];
    const phrase = phrases[(at + place) % phrases.length];
    if (found === undefined || phrase === undefined || found.answers.length === 0) return [];
    const { section, answers, about = '' } = found;
    const question = phrase.replace('{}', about);
    return [{ id: `${member.slice(0, 8)}-${kind}`, member, kind, section, question, answers }];
  });
}

if (import.meta.main) writeFileSync(join(ROOT, QUESTIONS_2019), questions2019());
