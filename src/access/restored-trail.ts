import { createSigner } from './audit/signing.ts';
import { AuditStore } from './audit/store.ts';
import { verifyTrail } from './audit/verify.ts';

/**
 * Proves a trail that was restored, and begins another generation in it: what the old one went on to
 * write after it was copied is not here, and what comes now must not look like it.
 * @param signingKey as of `createAudit` @returns what to tell the operator
 * @throws Error naming the first bad row
 */
export async function takeUpTrail(
  path: string,
  signingKey: Uint8Array,
  nowMs: number,
): Promise<string> {
  const { publicKey } = createSigner(signingKey);
  const verdicts = await verifyTrail({ path, publicKey, outside: [] });
  const bad = verdicts.find(({ ok }) => !ok);
  if (bad !== undefined) {
    throw new Error(
      `the audit of the backup is not whole: generation ${bad.generation}, row ${bad.firstBad ?? '?'}`,
    );
  }
  const store = new AuditStore(path, nowMs);
  try {
    const { generation } = store.beginGeneration('the trail was restored from a backup', nowMs);
    const records = verdicts.reduce((sum, one) => sum + one.records, 0);
    return `${records} records are whole; what comes now is of generation ${generation}`;
  } finally {
    store.close();
  }
}
