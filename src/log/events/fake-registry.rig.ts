import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

interface Held {
  readonly id: number;
  readonly version: number;
  readonly schema: string;
}

/** A registry that keeps what it is given, as Confluent's does: one id a text, versions a subject. */
export interface FakeRegistry {
  readonly url: string;
  readonly subjects: Map<string, Held[]>;
  readonly authorizations: Set<string | undefined>;
  readonly asked: string[];
  /** Instead of an answer. */
  instead: ((res: ServerResponse) => void) | undefined;
  stop(): Promise<void>;
}

export async function fakeRegistry(): Promise<FakeRegistry> {
  const ids = new Map<string, number>();
  const registry: Omit<FakeRegistry, 'url' | 'stop'> = {
    subjects: new Map(),
    authorizations: new Set(),
    asked: [],
    instead: undefined,
  };
  const server = createServer((req, res) => {
    registry.authorizations.add(req.headers.authorization);
    registry.asked.push(`${req.method} ${req.url}`);
    if (registry.instead !== undefined) return registry.instead(res);
    answer(req).then(
      ([status, body]) => res.writeHead(status).end(JSON.stringify(body)),
      () => res.destroy(),
    );
  });
  const answer = async (req: IncomingMessage): Promise<[number, object]> => {
    const [, kind, name = '', versions] = (req.url ?? '').split('/');
    if (kind === 'schemas') {
      const found = [...ids].find(([, id]) => String(id) === req.url?.split('/').at(-1));
      return found ? [200, { schema: found[0] }] : [404, { error_code: 40403 }];
    }
    if (name === '') return [200, [...registry.subjects.keys()]];
    const subject = decodeURIComponent(name);
    const { schema, references } = JSON.parse(await text(req)) as {
      schema: string;
      references: { subject: string; version: number }[];
    };
    const held = registry.subjects.get(subject) ?? [];
    const known = held.find((one) => one.schema === schema);
    if (versions === undefined) return known ? [200, known] : [404, { error_code: 40403 }];
    for (const { subject: wanted, version } of references) {
      if (registry.subjects.get(wanted)?.[version - 1] === undefined) return [422, {}];
    }
    const id = ids.get(schema) ?? ids.size + 1;
    ids.set(schema, id);
    registry.subjects.set(subject, [...held, { id, version: held.length + 1, schema }]);
    return [200, { id }];
  };
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return Object.assign(registry, {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  });
}
