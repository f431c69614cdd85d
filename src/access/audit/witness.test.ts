import assert from 'node:assert/strict';
import { appendFile, copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { verifyConsistency } from '../../contract/audit/merkle.ts';
import { type Checkpoint, fromBase64 } from '../../contract/audit/note.ts';
import { systemClock } from '../../kernel/clock.ts';
import type { AuditEntry } from '../../twin/ports.ts';
import { type AuditTrail, createAudit } from './audit.ts';
import { sha256 } from './hashes.ts';
import { createSigner } from './signing.ts';
import { notesIn, type WitnessSettings } from './witness.ts';

const root = await mkdtemp(join(tmpdir(), 'twin-witness-'));
after(() => rm(root, { recursive: true, force: true }));
const signingKey = Buffer.alloc(32, 7);
const signer = createSigner(signingKey);

/** What C2SP tlog-witness asks of a witness, for one log at a time. */
class Witness {
  known: Checkpoint | undefined;
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (req, res) => {
      let body = '';
      for await (const chunk of req) body += String(chunk);
      const [status, text] = req.url === '/log/add-checkpoint' ? this.#add(body) : [404, ''];
      res.writeHead(status).end(text);
    });
  }

  async start(): Promise<WitnessSettings> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    return { kind: 'http', url: `http://127.0.0.1:${port}/log` };
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #add(body: string): [number, string] {
    const end = body.indexOf('\n\n');
    const [old = '', ...lines] = body.slice(0, end).split('\n');
    const next = signer.open(body.slice(end + 2));
    if (next === undefined) return [403, ''];
    const known = this.known?.origin === next.origin ? this.known : undefined;
    const size = known?.size ?? 0;
    if (old !== `old ${size}`) return [409, `${size}\n`];
    const proof = lines.flatMap((line) => fromBase64(line) ?? []);
    if (known !== undefined && !verifyConsistency(sha256, known, next, proof)) return [422, ''];
    this.known = next;
    return [200, `— witness.example ${Buffer.alloc(76, 1).toString('base64')}\n`];
  }
}

async function started(dataDir: string, witness: WitnessSettings): Promise<AuditTrail> {
  const report = (): void => undefined;
  const audit = createAudit({ dataDir, clock: systemClock, report, signingKey, witness });
  await audit.start();
  await audit.checkpoint();
  return audit;
}

const entry: AuditEntry = {
  ...{ action: 'flags', outcome: 'success', correlationId: 'c', what: [], why: 'scope admin' },
};

test('B-AD-3: a C2SP witness is given each checkpoint with the proof that it continues', async () => {
  const witness = new Witness();
  const settings = await witness.start();
  const dataDir = await mkdtemp(join(root, 'd'));
  let audit = await started(dataDir, settings);
  for (let n = 0; n < 5; n += 1) {
    await audit.append(entry);
    await audit.checkpoint();
  }
  assert.equal(witness.known?.size, 6);
  await audit.stop();
  audit = await started(dataDir, settings);
  await audit.append(entry);
  const proof = await audit.verify();
  assert.ok(proof.ok, 'it goes on after a restart, by the size that the witness says');
  assert.equal(witness.known?.size, 7);
  await audit.stop();
  witness.stop();
});

test('B-AD-3: what the witness knows and the store has lost begins another generation', async () => {
  const settings = { kind: 'directory', path: join(root, 'kept') } as const;
  const dataDir = await mkdtemp(join(root, 'd'));
  const path = join(dataDir, 'audit.db');
  let audit = await started(dataDir, settings);
  await audit.append(entry);
  await audit.stop();
  await copyFile(path, `${path}.old`);
  audit = await started(dataDir, settings);
  for (let n = 0; n < 3; n += 1) await audit.append(entry);
  await audit.stop();
  await copyFile(`${path}.old`, path);
  audit = await started(dataDir, settings);
  const { ok, firstBad, generations } = await audit.verify();
  assert.deepEqual([ok, firstBad, generations.length], [false, 3, 2]);
  assert.deepEqual(
    generations.map((one) => one.ok),
    [false, true],
    'the older is cut off after two rows, the newer is whole',
  );
  await audit.stop();
});

test('B-AD-3: a torn line of the witness’s file is no checkpoint', async () => {
  const settings = { kind: 'directory', path: join(root, 'torn') } as const;
  const audit = await started(await mkdtemp(join(root, 'd')), settings);
  const [{ id } = assert.fail()] = await audit.generations();
  const file = join(settings.path, `${id}.jsonl`);
  await appendFile(file, '{"checkpoint":"digital-tw');
  assert.equal(notesIn(await readFile(file, 'utf8')).length, 1);
  await audit.append(entry);
  assert.ok((await audit.verify()).ok);
  assert.equal(notesIn(await readFile(file, 'utf8')).length, 2, 'what comes after it is whole');
  await audit.stop();
});
