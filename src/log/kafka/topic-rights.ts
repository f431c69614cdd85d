import { AclOperations, Admin, metadataV12 } from '@platformatic/kafka';
import type { KafkaConnection } from './client.ts';
import { atMost, bounded } from './client-bounds.ts';
import { guarded, optionsOf, reach } from './platformatic-options.ts';

export type Right = 'READ' | 'WRITE';

const CLOSE_MS = 2_000;
/** What a broker answers that says nothing of rights. */
const UNSAID = -(2 ** 31);

/**
 * What the broker lets us do with topics that exist (KIP-430), without doing it. It is asked by one
 * of the two clients whichever is chosen: the other one has no word for it.
 * @returns by topic; one that nothing is said of is not among them
 */
export async function topicRights(
  connection: KafkaConnection,
  topics: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<Right>>> {
  const admin = guarded(new Admin({ ...optionsOf(connection), retries: 0 }));
  try {
    await reach(admin);
    const asked = await bounded('asking for rights', ask(admin, connection, topics));
    const said = asked.filter(({ topicAuthorizedOperations: bits }) => bits !== UNSAID);
    return new Map(
      said.map(({ name, topicAuthorizedOperations }) => [
        name ?? '',
        rightsIn(topicAuthorizedOperations),
      ]),
    );
  } finally {
    await atMost(CLOSE_MS, admin.close());
  }
}

async function ask(admin: Admin, { brokers }: KafkaConnection, topics: readonly string[]) {
  const addresses = brokers.map((broker) => {
    const at = broker.lastIndexOf(':');
    return {
      host: broker.slice(0, at).replace(/^\[|\]$/g, ''),
      port: Number(broker.slice(at + 1)),
    };
  });
  const connection = await admin.connections.getFirstAvailable(addresses);
  const names = topics.map((name) => ({ name }));
  return (await metadataV12.api.async(connection, names, false, true)).topics;
}

function rightsIn(bits: number): Set<Right> {
  const may = (operation: number): boolean => ((bits >> operation) & 1) === 1;
  return new Set([
    ...(may(AclOperations.READ) ? (['READ'] as const) : []),
    ...(may(AclOperations.WRITE) ? (['WRITE'] as const) : []),
  ]);
}
