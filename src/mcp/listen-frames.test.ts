import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMcpHandler, InMemoryServerEventBus, McpServer } from '@modelcontextprotocol/server';
import { modernMessage } from '../../test/support/raw.ts';
import { createPositionCodec } from '../twin/position.ts';
import { acknowledgedIn, listFrame, noteOf, resultFrame, updateFrame } from './listen-frames.ts';
import { identityOf } from './server.ts';
import type { Update } from './subscriptions/stream.ts';
import { openingOf } from './transport/event-stream.ts';

const parts = {
  positions: createPositionCodec(new Uint8Array(32)),
  epoch: () => 'aaaaaaaa',
  version: '1.2.3',
};
const uri = 'mcp://twins/member/demo-ana/coverage';
const updates: Update[] = [
  { uri, variant: 'full', etag: `"${'a'.repeat(22)}"`, place: { partition: 3, offset: 7 } },
  { uri, variant: 'general' },
];

/** What the SDK itself says of one stream, from its acknowledgement to its result. */
async function sdkText(id: string | number): Promise<string> {
  const bus = new InMemoryServerEventBus();
  const capabilities = { resources: { subscribe: true }, tools: { listChanged: true } };
  const handler = createMcpHandler(() => new McpServer(identityOf(parts), { capabilities }), {
    bus,
  });
  const notifications = { resourceSubscriptions: [uri], toolsListChanged: true };
  const { headers, body } = modernMessage('subscriptions/listen', { notifications });
  const message = { ...JSON.parse(body), id };
  const request = new Request('http://localhost/mcp', {
    method: 'POST',
    headers,
    body: JSON.stringify(message),
  });
  const text = (await handler.fetch(request, { parsedBody: message })).text();
  for (const update of updates) {
    bus.publish({ kind: 'resource_updated', uri, params: noteOf(parts, update) });
  }
  bus.publish({ kind: 'tools_list_changed' });
  bus.publish({ kind: 'prompts_list_changed' });
  await handler.close();
  return await text;
}

for (const id of [7, 'a "quoted" id']) {
  test(`B-MC-13: a stream says, frame by frame, what the SDK would say: id ${id}`, async () => {
    const theirs = await sdkText(id);
    const opening = `${theirs.split('\n\n')[0]}\n\n`;
    const acknowledged = acknowledgedIn(opening);
    assert.deepEqual(acknowledged.resourceSubscriptions, [uri]);
    const ours = [
      opening,
      ...updates.map((update) => updateFrame(parts, update, JSON.stringify(id))),
      listFrame('tools_list_changed', acknowledged, id) ?? '',
      listFrame('prompts_list_changed', acknowledged, id) ?? '',
      resultFrame(parts, id),
    ];
    assert.equal(ours.join(''), theirs);
  });
}

test('what a stream says at once is read, and the rest is left', async () => {
  let left = false;
  const quiet = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from('one\n\n'));
      controller.enqueue(Buffer.from('two\n\n'));
    },
    cancel() {
      left = true;
    },
  });
  const headers = { 'content-type': 'text/event-stream' };
  const begun = await openingOf(new Response(quiet, { headers }));
  assert.deepEqual(
    [Buffer.concat([...(begun?.frames ?? [])]).toString(), begun?.whole, left],
    ['one\n\ntwo\n\n', false, true],
  );
  const ended = await openingOf(new Response('all\n\n', { headers }));
  assert.equal(ended?.whole, true);
  assert.equal(await openingOf(Response.json({})), undefined);
});
