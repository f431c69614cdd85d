import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { after, test } from 'node:test';
import { v1 } from '@authzed/authzed-node';
import { Redis } from 'ioredis';
import { Kafka, logLevel, type SASLOptions } from 'kafkajs';
import { sleep } from '../src/kernel/clock.ts';
import type { PartProcess } from '../tools/parts/process.ts';
import {
  type KafkaPart,
  kafka,
  kcat,
  proxiedKafka,
  type RedisPart,
  redis,
  type SpicedbPart,
  sharedKafka,
  spicedb,
} from './support/parts.ts';
import { proxy } from './support/proxy.ts';

/** The parts that other tests break: each is real, and nothing of it is left. */

const started: PartProcess[] = [];
after(() => Promise.all(started.map((part) => part.stop())));

function owned<T extends PartProcess>(part: T): T {
  started.push(part);
  return part;
}

/** What a part must keep, and how a client of its own asks for it. */
interface Probe {
  write(value: string): Promise<void>;
  read(): Promise<string>;
  close(): Promise<void>;
}

async function kafkaProbe({ address }: KafkaPart): Promise<Probe> {
  const client = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }] });
  const producer = client.producer();
  await producer.connect();
  return {
    async write(value) {
      await producer.send({ topic: 'kept', acks: -1, messages: [{ value }] });
    },
    read: () => kcat(['-C', '-b', address, '-t', 'kept', '-e', '-q', '-D', ',']),
    async close() {
      await producer.disconnect();
      await admin.disconnect();
    },
  };
}

async function redisProbe({ env }: RedisPart): Promise<Probe> {
  const client = new Redis(env.REDIS_URL ?? '');
  client.on('error', () => {});
  return {
    async write(value) {
      await client.append('kept', `${value},`);
    },
    read: async () => (await client.get('kept')) ?? '',
    async close() {
      await client.quit();
    },
  };
}

/** SpiceDB's answer where no schema was written yet. */
function orNothing(error: { code?: number }): undefined {
  if (error.code !== NOT_FOUND) throw error;
}

const NOT_FOUND = 5;
const PLAINTEXT = v1.ClientSecurity.INSECURE_PLAINTEXT_CREDENTIALS;

async function spicedbProbe({ address, token }: SpicedbPart): Promise<Probe> {
  const client = v1.NewClient(token, address, PLAINTEXT);
  const { promises } = client;
  const definitions = (schema: string): string[] =>
    [...schema.matchAll(/definition (\w+)/g)].map(([, name = '']) => name);
  const schemaOf = async (): Promise<string> => {
    const answer = await promises.readSchema(v1.ReadSchemaRequest.create()).catch(orNothing);
    return answer?.schemaText ?? '';
  };
  return {
    async write(value) {
      const schema = definitions(await schemaOf())
        .concat(value)
        .map((name) => `definition ${name} {}`);
      await promises.writeSchema(v1.WriteSchemaRequest.create({ schema: schema.join('\n') }));
    },
    read: async () =>
      definitions(await schemaOf())
        .map((name) => `${name},`)
        .join(''),
    close: async () => client.close(),
  };
}

for (const { name, begin } of [
  { name: 'kafka', begin: async () => probed(owned(await kafka()), kafkaProbe) },
  { name: 'redis', begin: async () => probed(owned(await redis()), redisProbe) },
  {
    name: 'spicedb',
    begin: async () => probed(owned(await spicedb({ keeps: true })), spicedbProbe),
  },
]) {
  test(`${name}: answers, is paused, killed, restarted with its data, and stopped`, async () => {
    const { part, probe } = await begin();
    await probe.write('first');
    assert.equal(await probe.read(), 'first,');

    part.pause();
    await until(() => stateOf(part.pid) === 'T', 'the process is stopped');
    const asked = probe.read();
    part.continue();
    assert.equal(await asked, 'first,');

    const { pid } = part;
    await part.kill();
    assert.equal(stateOf(pid), undefined);
    await part.restart();
    assert.notEqual(part.pid, pid);
    await probe.write('second');
    assert.equal(await probe.read(), 'first,second,');
    await probe.close();

    const last = part.pid;
    await part.stop();
    assert.equal(stateOf(last), undefined);
    assert.ok(!existsSync(part.directory));
  });
}

async function probed<T extends PartProcess>(
  part: T,
  open: (part: T) => Promise<Probe>,
): Promise<{ part: PartProcess; probe: Probe }> {
  return { part, probe: await open(part) };
}

test('a part ends with whoever started it, also after kill -9', async () => {
  const script = `
    const { redis } = await import(${JSON.stringify(import.meta.resolve('./support/parts.ts'))});
    const { pid, directory } = await redis();
    console.log(JSON.stringify({ pid, directory }));
    setInterval(() => {}, 1_000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const { pid, directory } = JSON.parse(String(line)) as { pid: number; directory: string };
  assert.notEqual(stateOf(pid), undefined);
  owner.kill('SIGKILL');
  await until(() => stateOf(pid) === undefined, 'the part is gone');
  await until(() => !existsSync(directory), 'its data are gone');
});

test('kafka: TLS and SASL listeners take who they should, and nobody else', async () => {
  const users = [{ name: 'twin', password: 'right' }];
  const broker = owned(await kafka({ tls: true, users }));
  const { ca, client } = broker.certificates ?? assert.fail('no certificates');
  const trust = { ca: readFileSync(ca, 'utf8') };
  const shown = { cert: readFileSync(client.cert, 'utf8'), key: readFileSync(client.key, 'utf8') };
  const connect = async (listener: keyof typeof broker.addresses, more: object) => {
    const admin = new Kafka({
      brokers: [broker.addresses[listener] ?? ''],
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
      ...more,
    }).admin();
    await admin.connect();
    await admin.listTopics().finally(() => admin.disconnect());
  };
  await connect('SSL', { ssl: trust });
  await connect('SSL', { ssl: { ...trust, ...shown } });
  await assert.rejects(connect('SSL', { ssl: {} }), 'an unknown CA');
  for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
    // A new object each time: kafkajs keeps what it has learned in the one it is given.
    const sasl = (password: string) => ({ mechanism, username: 'twin', password }) as SASLOptions;
    await connect('SASL_PLAINTEXT', { sasl: sasl('right') });
    await connect('SASL_SSL', { sasl: sasl('right'), ssl: trust });
    await assert.rejects(connect('SASL_SSL', { sasl: sasl('wrong'), ssl: trust }));
  }
  await broker.stop();
});

test('kafka: with ACLs a user may do only what is allowed', async () => {
  const broker = owned(await kafka({ acls: true, users: [{ name: 'twin', password: 'right' }] }));
  const anybody = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING }).admin();
  await anybody.connect();
  await anybody.createTopics({ topics: [{ topic: 'closed', numPartitions: 1 }] });
  await anybody.disconnect();
  const sasl: SASLOptions = { mechanism: 'plain', username: 'twin', password: 'right' };
  const brokers = [broker.addresses.SASL_PLAINTEXT ?? ''];
  const twin = new Kafka({ brokers, sasl, logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  const admin = twin.admin();
  await admin.connect();
  assert.deepEqual(await admin.listTopics(), []);
  await admin.disconnect();
  await broker.stop();
});

test('kafka: behind a proxy each client can be cut off by itself', async () => {
  const broker = owned(await proxiedKafka(2));
  const [first, second] = broker.proxies;
  assert.ok(first && second);
  const topicsBy = (address: string) =>
    kcat(['-L', '-b', address, '-m', '5']).then(
      (text) => text.includes('broker 1 at'),
      () => false,
    );
  assert.ok(await topicsBy(first.address));
  first.cut();
  assert.equal(await topicsBy(first.address), false);
  assert.ok(await topicsBy(second.address));
  first.restore();
  assert.ok(await topicsBy(first.address));
  await broker.stop();
});

test('spicedb: over TLS it answers who trusts its CA', async () => {
  const server = owned(await spicedb({ tls: true }));
  const { ca } = server.certificates ?? assert.fail('no certificates');
  const client = v1.NewClientWithCustomCert(server.token, server.address, readFileSync(ca));
  const schema = 'definition user {}';
  await client.promises.writeSchema(v1.WriteSchemaRequest.create({ schema }));
  client.close();
  await server.stop();
});

test('the shared broker gives every caller a prefix of its own', async () => {
  const [one, other] = [await sharedKafka(), await sharedKafka()];
  assert.equal(one.address, other.address);
  assert.notEqual(one.prefix, other.prefix);
  assert.equal(one.env.KAFKA_BROKERS, one.address);
});

test('the proxy delays in order, is silent without closing, cuts, and restores', async () => {
  const echo = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  echo.unref();
  const { port } = echo.address() as { port: number };
  const gate = await proxy(`127.0.0.1:${port}`);
  const socket = connect(gate.port, '127.0.0.1');
  let heard = '';
  let closed = false;
  socket.on('data', (chunk) => (heard += String(chunk)));
  socket.on('error', () => {});
  socket.once('close', () => (closed = true));

  gate.delay(5);
  for (const letter of 'abcdef') socket.write(letter);
  await until(() => heard === 'abcdef', 'everything came, in order');
  gate.silence();
  socket.write('later');
  const taken = connect(gate.port, '127.0.0.1');
  taken.on('error', () => {});
  await once(taken, 'connect');
  assert.equal(heard, 'abcdef');
  assert.equal(closed, false);
  gate.restore();
  await until(() => heard === 'abcdeflater', 'what waited passes');

  gate.cut();
  await until(() => closed, 'it was reset');
  const refused = connect(gate.port, '127.0.0.1');
  await assert.rejects(once(refused, 'data'), /ECONNRESET/);
  gate.restore();
  const again = connect(gate.port, '127.0.0.1');
  again.write('back');
  const [answer] = (await once(again, 'data')) as [Buffer];
  assert.equal(String(answer), 'back');
  again.destroy();
  await gate.stop();
  echo.close();
});

/** `T` stopped, `S` asleep…; `undefined` where there is no such process (or only its remains). */
function stateOf(pid: number): string | undefined {
  try {
    const state = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.[0];
    return state === 'Z' ? undefined : state;
  } catch {
    return undefined;
  }
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (holds()) return;
    await sleep(25);
  }
  assert.fail(`never: ${what}`);
}
