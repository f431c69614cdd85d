import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Snapshot } from '../../contract/snapshots.ts';
import { canonicalJson } from '../../kernel/json.ts';
import { mayHaveMissed } from '../../twin/retention.ts';

/** What stands beside a snapshot's file: of what it is a copy, and how far it has come. */
const content = z.strictObject({
  format: z.literal(1),
  epoch: z.string(),
  projection: z.number().int(),
  /** Of the view's own tables. */
  schema: z.number().int(),
  /** The last applied offset by partition, -1 before the first. */
  places: z.array(z.number().int().min(-1)).max(65_536),
  createdAt: z.number().int(),
  /** When it last had everything that the log had, in ms. */
  completeAt: z.number().int(),
  bytes: z.number().int(),
  sha256: z.string(),
  /** Names the etag key without telling it. */
  key: z.string(),
});

export type Content = z.infer<typeof content>;

/** Of the writer of a snapshot, or of whoever would start from it. */
export interface Standing {
  readonly epoch: string;
  readonly projection: number;
  readonly schema: number;
  readonly partitions: number;
  readonly etagKey: Uint8Array;
  /** The next offset to be written, by partition. */
  readonly ends: readonly number[];
  /** Now, in ms. */
  readonly at: number;
}

export function keyName(etagKey: Uint8Array): string {
  return createHmac('sha256', etagKey).update('snapshot key').digest('base64url').slice(0, 16);
}

/** Authenticated: what a view is started from is read by everybody, so nobody else may make it. */
export function sealed(given: Content, etagKey: Uint8Array): string {
  return `${JSON.stringify({ ...given, mac: macOf(given, etagKey) }, null, 2)}\n`;
}

/** @returns a sentence where the text is no manifest of this deployment's */
export function unsealed(text: string, etagKey: Uint8Array): Content | string {
  try {
    const { mac, ...given } = JSON.parse(text) as Record<string, unknown>;
    const parsed = content.safeParse(given);
    if (!parsed.success || typeof mac !== 'string') return BROKEN;
    if (parsed.data.key !== keyName(etagKey)) return 'it was made with another etag key';
    const [said, wanted] = [Buffer.from(mac), Buffer.from(macOf(parsed.data, etagKey))];
    const same = said.length === wanted.length && timingSafeEqual(said, wanted);
    return same ? parsed.data : 'its manifest was changed after it was made';
  } catch {
    return BROKEN;
  }
}

const BROKEN = 'its manifest is broken';

/** Why an instance does not start from it; `undefined` where it may. */
export function misfit(given: Content, standing: Standing): string | undefined {
  const { epoch, projection, schema, partitions, ends, at } = standing;
  const { places } = given;
  if (given.epoch !== epoch) return 'it is of another log (epoch)';
  if (given.projection !== projection) return 'it was projected by another version';
  if (given.schema !== schema) return 'its tables are of another version';
  if (places.length !== partitions) return 'it has another number of partitions';
  if (places.some((offset, part) => offset >= (ends[part] ?? 0))) return 'it is ahead of the log';
  if (mayHaveMissed(given.completeAt, at)) return 'it is so old that it may have missed deletions';
  return undefined;
}

export function shown(name: string, given: Content, refused?: string): Snapshot {
  const { bytes, createdAt, completeAt, epoch, projection } = given;
  return {
    name,
    of: {
      bytes,
      createdAt: new Date(createdAt).toISOString(),
      completeAt: new Date(completeAt).toISOString(),
      epoch,
      projection,
    },
    ...(refused !== undefined && { refused }),
  };
}

function macOf(given: Content, etagKey: Uint8Array): string {
  return createHmac('sha256', etagKey).update(canonicalJson(given)).digest('base64url');
}
