import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { connectRealtime } from './client.ts';
import { fakeGateway, settled } from './fake-gateway.rig.ts';

const { server } = JSON.parse(
  readFileSync(new URL('../../../schemas/realtime/golden.json', import.meta.url), 'utf8'),
) as { server: { message: Record<string, unknown> }[] };

/** A message of the server with one of its fields gone, or something else. */
const bent = fc
  .constantFrom(...server.map(({ message }) => message))
  .chain((message) =>
    fc.record({
      message: fc.constant(message),
      field: fc.constantFrom(...Object.keys(message)),
      value: fc.option(fc.jsonValue(), { nil: undefined }),
    }),
  )
  .map(({ message, field, value }) => JSON.stringify({ ...message, [field]: value }));

test('T1 B-GW-32: whatever a server says, the client goes on, and tells of what it does not understand', async () => {
  const gateway = fakeGateway();
  const { WebSocket } = gateway;
  const options = { url: 'https://t.example', token: 'T', fallback: 'none', WebSocket } as const;
  const realtime = connectRealtime(options);
  await settled();
  const subscriptions = [1, 2, 3, 4].map(() => realtime.subscribe({ topics: ['twins'] }));
  for (const one of subscriptions) one.ready.catch(() => undefined);
  gateway.socket.welcome();
  try {
    const said = fc.oneof(bent, fc.json(), fc.string(), fc.constant('{"type":"__proto__"}'));
    fc.assert(
      fc.property(said, (text) => {
        gateway.socket.sayText(text);
        assert.equal(realtime.state.status, 'connected');
      }),
      { numRuns: 2_000 },
    );
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  } finally {
    realtime.close();
  }
});
