import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../kernel/json.ts';

/** What stands beside the sealed files: what they are, in the order in which they were copied. */
const content = z.strictObject({
  format: z.literal(1),
  /** Of the program that made it. */
  version: z.string().max(64),
  createdAt: z.iso.datetime(),
  /** Of the embedded log; absent where the log is on Kafka. */
  epoch: z.string().max(32).optional(),
  files: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9-]{0,40}\.(?:db|json)$/),
        bytes: z.number().int().min(0),
        /** Of the file itself, base64url. */
        sha256: z.string().max(64),
      }),
    )
    .max(64),
});

export type BackupContent = z.infer<typeof content>;

/** Authenticated by a key of the deployment: nobody else's is ever restored. */
export function signManifest(given: BackupContent, deploymentKey: Uint8Array): string {
  return `${JSON.stringify({ ...given, mac: macOf(given, deploymentKey) }, null, 2)}\n`;
}

/** @throws Error with our own words */
export function readManifest(text: string, deploymentKey: Uint8Array): BackupContent {
  let given: Record<string, unknown>;
  try {
    given = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new Error('its manifest is broken');
  }
  const { mac, ...rest } = given;
  const parsed = content.safeParse(rest);
  if (!parsed.success || typeof mac !== 'string') throw new Error('its manifest is broken');
  const [said, wanted] = [Buffer.from(mac), Buffer.from(macOf(parsed.data, deploymentKey))];
  if (said.length === wanted.length && timingSafeEqual(said, wanted)) return parsed.data;
  throw new Error('its manifest was changed, or the keys file is not the one of that deployment');
}

function macOf(given: BackupContent, deploymentKey: Uint8Array): string {
  const key = hkdfSync('sha256', deploymentKey, '', 'digital-twin backup manifest', 32);
  return createHmac('sha256', Buffer.from(key)).update(canonicalJson(given)).digest('base64url');
}
