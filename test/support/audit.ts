import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestServer } from './server.ts';

/** Records of a server's audit that hold a text, as they are kept, oldest first. */
export function auditOf({ dataDir }: TestServer, text: string): string[] {
  const db = new DatabaseSync(join(dataDir, 'audit.db'), { readOnly: true });
  const rows = db.prepare('SELECT body FROM record ORDER BY seq').all();
  db.close();
  return rows.map(({ body }) => String(body)).filter((body) => body.includes(text));
}
