import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventLog, Intake, RelationChange, Relations } from '../twin/ports.ts';

export interface DemoParts {
  /** The folder of bundles and `relations.txt`. */
  readonly folder: string;
  readonly log: EventLog;
  readonly intake: Intake;
  readonly relations: Relations;
  readonly parseRelation: (text: string) => RelationChange['relationship'];
}

/** Practitioners and organizations come first: the members' bundles refer to them. */
const DIRECTORY = 'directory.json';
const TENANT = 'demo';
const ACTOR = 'system:demo';

/**
 * Fills a log that is empty with the demo members and who may see them. Later starts leave it
 * alone, so that a relation somebody took back stays away.
 */
export async function seedDemo(parts: DemoParts): Promise<void> {
  if (parts.log.damaged === true) return;
  const ends = await parts.log.ends();
  if (ends.some((end) => end > 0)) return;
  const files = await readdir(parts.folder);
  const members = files.filter((name) => /^demo-.*\.json$/.test(name)).sort();
  for (const name of [DIRECTORY, ...members]) {
    const json = await readFile(join(parts.folder, name));
    const eventId = `demo-${createHash('sha256').update(json).digest('base64url')}`;
    const submission = { tenant: TENANT, source: 'demo', actor: ACTOR, eventId, json };
    await parts.intake.submitBundle(submission);
  }
  const text = await readFile(join(parts.folder, 'relations.txt'), 'utf8');
  const changes = relationLines(text).map(
    (line): RelationChange => ({ operation: 'touch', relationship: parts.parseRelation(line) }),
  );
  await parts.relations.write(changes, ACTOR);
}

/** One relationship a line; a line that begins with `#` is a comment. */
function relationLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
