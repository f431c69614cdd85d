import { startWorker } from '../../kernel/worker.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Signer } from './signing.ts';
import type { GenerationVerdict, OutsideCheckpoint } from './verify.ts';
import type { VerifyMethods } from './verify.worker.ts';
import { type Witness, WitnessRefuses } from './witness.ts';

/** What can be said of the whole trail. */
export interface AuditProof {
  readonly ok: boolean;
  /** Of this instance's own generations. */
  readonly records: number;
  /** The first bad row of the first generation that has one. */
  readonly firstBad?: number;
  readonly generations: readonly (GenerationVerdict & { readonly from: 'store' | 'topic' })[];
  readonly witness: { readonly kind: 'none' | Witness['kind']; readonly reached: boolean };
  /** The key that an auditor verifies checkpoints by, base64. */
  readonly publicKey: string;
  /** What this proves, and what it cannot: sentences for a person. */
  readonly says: readonly string[];
}

export interface ProofParts {
  readonly own: string;
  readonly trail: string | undefined;
  readonly signer: Signer;
  readonly checkpoints: Checkpoints;
  readonly witness: Witness | undefined;
}

/** The rows first get a checkpoint of now, which the witness compares with what it knows. */
export async function proofOf(parts: ProofParts): Promise<AuditProof> {
  const { own, trail, signer, checkpoints, witness } = parts;
  let reached = witness !== undefined;
  let refused: string | undefined;
  await checkpoints.take().catch((error: unknown) => {
    reached = false;
    if (error instanceof WitnessRefuses) refused = error.message;
  });
  const outside = await checkpoints.outside().catch((): OutsideCheckpoint[] => {
    reached = false;
    return [];
  });
  const stores = await verified(own, signer, outside);
  const topics = trail === undefined ? [] : await verified(trail, signer, outside);
  const generations = [
    ...stores.map((one) => ({ ...one, from: 'store' as const })),
    ...topics.map((one) => ({ ...one, from: 'topic' as const })),
  ];
  const bad = generations.find(({ ok }) => !ok);
  const ok = bad === undefined && refused === undefined;
  return {
    ok,
    records: stores.reduce((sum, { records }) => sum + records, 0),
    ...(!ok && { firstBad: bad?.firstBad ?? 1 }),
    generations,
    witness: { kind: witness?.kind ?? 'none', reached },
    publicKey: Buffer.from(signer.publicKey).toString('base64'),
    says: [...(refused === undefined ? [] : [refused]), ...sentences(parts, reached)],
  };
}

function sentences({ witness, checkpoints }: ProofParts, reached: boolean): string[] {
  if (witness === undefined) {
    return [
      'No witness is configured (AUDIT_WITNESS): that rows were cut off at the end, or that all ' +
        'was written anew by somebody who has the keys, cannot be proven.',
    ];
  }
  const { size, at, fault } = checkpoints.state;
  const covers = `The witness has ${size} rows of the present generation${at ? `, as of ${at}` : ''}; what came later is proven only by what this server holds itself.`;
  if (reached && fault === undefined) return [covers];
  return [covers, 'The witness could not be asked just now: see the log, and AUDIT_WITNESS.'];
}

/** In a thread of its own, for as long as it takes. */
async function verified(
  path: string,
  { publicKey }: Signer,
  outside: readonly OutsideCheckpoint[],
): Promise<GenerationVerdict[]> {
  const thread = startWorker<VerifyMethods>({
    from: import.meta.url,
    file: './verify.worker',
    data: undefined,
  });
  try {
    return await thread.call('verify', { path, publicKey, outside });
  } finally {
    await thread.close();
  }
}
