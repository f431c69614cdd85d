import { v1 } from '@authzed/authzed-node';
import { LIMITS } from '../../kernel/limits.ts';
import { openClient, type SpicedbConnection } from './grpc.ts';

/** The first that ends expired relations for every caller by itself (GHSA-w278-32qg-48q5). */
export const SPICEDB_WANTED = '1.57.1';

/** authzed-go `requestmeta.RequestServerVersion`, `responsemeta.ServerVersion`. */
const ASKED = 'io.spicedb.requestversion';
const TOLD = 'io.spicedb.debug.version';

type Interceptor = NonNullable<
  NonNullable<Parameters<typeof v1.NewClient>[4]>['interceptors']
>[number];

/**
 * What a SpiceDB says its version is, without the `v`; `undefined` where it does not say, which it
 * may be told to (`--disable-version-response`).
 */
export async function spicedbVersion(connection: SpicedbConnection): Promise<string | undefined> {
  let told: string | undefined;
  // Where it refuses, what it says of itself comes with the status.
  const hear = (metadata: { get(name: string): unknown[] }): void => {
    const [version] = metadata.get(TOLD);
    if (typeof version === 'string') told = version;
  };
  const asking: Interceptor = (options, nextCall) => {
    const call = nextCall(options) as ReturnType<Interceptor>;
    const start = call.start.bind(call);
    call.start = (metadata, listener) => {
      metadata.set(ASKED, '1');
      start(metadata, {
        onReceiveMetadata(received) {
          hear(received);
          listener?.onReceiveMetadata?.(received);
        },
        onReceiveMessage: (message: unknown) => listener?.onReceiveMessage?.(message),
        onReceiveStatus(status) {
          hear(status.metadata);
          listener?.onReceiveStatus?.(status);
        },
      });
    };
    return call;
  };
  const client = openClient(connection, { interceptors: [asking] });
  try {
    await new Promise<void>((resolve) => {
      const deadline = Date.now() + LIMITS.lookupTimeoutMs;
      client.readSchema(v1.ReadSchemaRequest.create({}), { deadline }, () => resolve());
    });
    return told?.replace(/^v/, '');
  } finally {
    client.close();
  }
}

/** Whether a version is at least another, both of three numbers; `undefined` for anything else. */
export function isAtLeast(version: string, wanted: string): boolean | undefined {
  const [have, want] = [version, wanted].map((text) => /^(\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1));
  if (have === undefined || want === undefined) return undefined;
  for (const [index, part] of want.entries()) {
    const difference = Number(have[index]) - Number(part);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
