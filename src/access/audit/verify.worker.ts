import { serveWorker } from '../../kernel/worker.ts';
import { type VerifyOptions, verifyTrail } from './verify.ts';

/** The thread in which a trail is verified: hashes of every row take their time. */
const methods = { verify: (options: VerifyOptions) => verifyTrail(options) };
export type VerifyMethods = typeof methods;

serveWorker(methods);
