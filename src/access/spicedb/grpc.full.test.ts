import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, suite, test } from 'node:test';
import { type SpicedbPart, spicedb } from '../../../test/support/parts.ts';
import { systemClock } from '../../kernel/clock.ts';
import { parseRelation } from '../relations-text.ts';
import type { Engine, WatchUpdate } from './engine.ts';
import { engineSuite } from './engine-suite.rig.ts';
import { connectEngine, type SpicedbConnection } from './grpc.ts';
import { applySchema, diffSchema, requireSchema } from './schema-check.ts';

let server: SpicedbPart;

before(async () => {
  server = await spicedb();
});
after(() => server.stop());

async function engineAt(more: Partial<SpicedbConnection> = {}): Promise<Engine> {
  const connection = connectionTo(server, more);
  await applySchema(connection);
  return connectEngine(connection, systemClock);
}

function connectionTo(
  { address, token }: SpicedbPart,
  more: Partial<SpicedbConnection> = {},
): SpicedbConnection {
  return { endpoint: address, token, tls: false, ...more };
}

engineSuite('SpiceDB over gRPC', () => engineAt());
engineSuite('SpiceDB over gRPC, shared with others', () => engineAt({ prefix: 'acme' }));

suite('on a SpiceDB that others share', () => {
  test('what others write is neither told nor found nor counted', async () => {
    const [acme, other] = [await engineAt({ prefix: 'acme' }), await engineAt({ prefix: 'other' })];
    const grant = (text: string) => [
      { operation: 'touch' as const, relationship: parseRelation(text) },
    ];
    const from = await acme.write(grant('member:shared#self@user:before'));
    const told: WatchUpdate[] = [];
    const heard = Promise.withResolvers<void>();
    const onUpdate = (update: WatchUpdate): void => {
      told.push(update);
      heard.resolve();
    };
    const watch = acme.watch({ onUpdate, onEnd: heard.reject }, from);
    await other.write(grant('member:shared#self@user:eve'));
    await acme.write(grant('member:shared#self@user:ana'));
    await heard.promise;
    watch.cancel();
    const subjects = told.flatMap(({ changes }) => changes.map((one) => one.relationship.subject));
    assert.deepEqual(subjects, [{ type: 'user', id: 'ana' }]);
    const object = { type: 'member', id: 'shared' };
    const eve = { subject: { type: 'user', id: 'eve' }, permission: 'view_care', object };
    assert.deepEqual((await acme.check([eve], { kind: 'full' })).allowed, [false]);
    assert.deepEqual((await other.check([eve], { kind: 'full' })).allowed, [true]);
    await Promise.all([acme.close(), other.close()]);
  });
});

suite('how it is reached', () => {
  test('with TLS, by the authority that is named', async () => {
    const secure = await spicedb({ tls: true });
    const ca = await readFile(secure.certificates?.ca ?? '', 'utf8');
    const connection = connectionTo(secure, { tls: true, tlsCa: ca });
    assert.ok((await applySchema(connection)).length > 0);
    assert.deepEqual(await diffSchema(connection), []);
    const { tlsCa: _unknown, ...byTheSystem } = connection;
    await assert.rejects(diffSchema(byTheSystem));
    await assert.rejects(diffSchema(connectionTo(secure)), 'without TLS');
    await secure.stop();
  });

  test('a wrong token is refused, and nothing is allowed', async () => {
    const engine = connectEngine(connectionTo(server, { token: 'wrong' }), systemClock);
    await assert.rejects(engine.check([], { kind: 'full' }));
    await assert.rejects(engine.read({ type: 'member' }));
    await engine.close();
  });

  test('a SpiceDB without our schema is named, with the command that mends it', async () => {
    const connection = connectionTo(server, { prefix: 'nobody' });
    await assert.rejects(requireSchema(connection), /digital-twin schema apply/);
    assert.ok((await diffSchema(connection)).length > 0, 'comparing writes nothing');
    await applySchema(connection);
    await requireSchema(connection);
  });
});
