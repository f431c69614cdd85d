import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FRAMES } from '../../tools/frames.ts';
import { isEventFrame, type ServerMessage } from './frames.ts';
import { clientMessageSchema, frameSchemas, serverMessageSchema } from './frames-schema.ts';

type Golden = Record<'client' | 'refused' | 'server', { name: string; message: object }[]>;
const GOLDEN = JSON.parse(
  readFileSync(new URL('../../schemas/realtime/golden.json', import.meta.url), 'utf8'),
) as Golden;

test('T1 the published JSON Schema is that of the code: npm run schemas:frames', () => {
  const published: unknown = JSON.parse(readFileSync(FRAMES, 'utf8'));
  assert.deepEqual(published, JSON.parse(JSON.stringify(frameSchemas())));
});

test('T1 every golden message is of its direction, and no refused one is', () => {
  for (const { name, message } of GOLDEN.client) {
    assert.deepEqual(clientMessageSchema.parse(message), message, name);
  }
  for (const { name, message } of GOLDEN.refused) {
    assert.equal(clientMessageSchema.safeParse(message).success, false, name);
  }
  for (const { name, message } of GOLDEN.server) {
    assert.deepEqual(serverMessageSchema.parse(message), message, name);
  }
});

test('T1 the golden messages show every message that there is', () => {
  const { client, server } = frameSchemas();
  const typeOf = ({ message }: { message: object }) => String((message as { type: unknown }).type);
  assert.deepEqual(new Set(GOLDEN.client.map(typeOf)), new Set(Object.keys(client)));
  const events = GOLDEN.server.filter(({ message }) => isEventFrame(message as ServerMessage));
  assert.ok(events.length > 0);
  const others = GOLDEN.server.filter((one) => !events.includes(one)).map(typeOf);
  assert.deepEqual(new Set([...others, 'event']), new Set(Object.keys(server)));
});
