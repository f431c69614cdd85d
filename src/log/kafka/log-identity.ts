import { sleep } from '../../kernel/clock.ts';
import { type LogIdentity, newEpoch } from '../schema.ts';
import type { KafkaClient } from './client.ts';
import { Fenced } from './client.ts';

const KEY = 'identity';

/** Which log this is, as `twins.log` says; `undefined` where nobody has said it. */
export async function readLogIdentity(
  client: KafkaClient,
  { log }: { readonly log: string },
): Promise<LogIdentity | undefined> {
  const [offset = 0] = await client.admin.starts(log);
  let identity: LogIdentity | undefined;
  let trouble: unknown;
  const follower = client.follow({
    from: [{ topic: log, partition: 0, offset }],
    onRecords: async (records) => {
      for (const { key, value } of records) {
        if (String(key) === KEY && value) identity = parsed(value);
      }
    },
    onTrouble: (error) => {
      trouble = error;
    },
  });
  try {
    await follower.start();
    await follower.caughtUp();
    return identity;
  } catch (error) {
    throw trouble ?? error;
  } finally {
    await follower.stop();
  }
}

const TRIES = 20;
const PAUSE_MS = 250;

/**
 * Says which log this is, once: whoever comes second finds what the first one said. The
 * transactional id keeps two from saying it at the same time; one of them tries again.
 */
export async function ensureLogIdentity(
  client: KafkaClient,
  names: { readonly log: string },
  partitions: number,
): Promise<LogIdentity> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await sayOnce(client, names, partitions);
    } catch (error) {
      if (!(error instanceof Fenced) || tries === TRIES) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

async function sayOnce(
  client: KafkaClient,
  { log }: { readonly log: string },
  partitions: number,
): Promise<LogIdentity> {
  const known = await readLogIdentity(client, { log });
  if (known) return known;
  const producer = client.producer({ transactionalId: `${log}.identity` });
  try {
    await producer.open();
    // Whoever opened before may have said it meanwhile.
    const said = await readLogIdentity(client, { log });
    if (said) return said;
    const identity = { epoch: newEpoch(), partitions };
    const transaction = await producer.begin();
    const value = Buffer.from(JSON.stringify(identity));
    await transaction.send([{ topic: log, partition: 0, key: Buffer.from(KEY), value }]);
    await transaction.commit();
    return identity;
  } finally {
    await producer.close();
  }
}

function parsed(value: Buffer): LogIdentity {
  const { epoch, partitions } = JSON.parse(String(value)) as Partial<LogIdentity>;
  if (typeof epoch !== 'string' || !/^[a-z2-7]{8}$/.test(epoch)) throw unreadable();
  if (!Number.isSafeInteger(partitions) || partitions === undefined || partitions < 1) {
    throw unreadable();
  }
  return { epoch, partitions };
}

function unreadable(): Error {
  return new Error('twins.log does not say which log this is in a form this version reads');
}
