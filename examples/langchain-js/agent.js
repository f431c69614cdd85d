/**
 * A LangChain agent that acts exactly once on each change of a document, whatever breaks meanwhile.
 *
 * TWIN_URL and TWIN_TOKEN say where and as whom; the arguments are URIs. One JSON object a line.
 * The model is scripted, so that this runs anywhere: put a real chat model in its place. A notice
 * may come twice, or not at all while the server is away; so each one, and each connection, only
 * makes the agent look, and it acts where the etag is not the one it last acted on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';

/** After so long without a notice the agent looks all the same. */
const QUIET_MS = 5_000;

const say = (event, more) => console.log(JSON.stringify({ event, ...more }));

/** Asks for the document first, then says what to do about it. */
async function model(messages) {
  const { text } = messages.at(-1);
  if (ToolMessage.isInstance(messages.at(-1))) return new AIMessage(`Noted: ${text.slice(0, 60)}`);
  const call = { name: 'readDocument', args: { uri: text, budget: 300 }, id: '1' };
  return new AIMessage({ content: '', tool_calls: [{ ...call, type: 'tool_call' }] });
}

async function look({ client, tools }, seen, uri, event) {
  let etag;
  try {
    etag = JSON.parse((await client.readResource({ uri })).contents[0].text).etag;
  } catch (error) {
    if (error.code !== ErrorCode.InvalidParams) throw error; // No refusal: the session has gone.
    return say('refused', { uri, code: error.code });
  }
  say(event, { uri, etag });
  if (!seen.has(uri)) seen.set(uri, etag); // What is there at first is nothing to act upon.
  if (seen.get(uri) === etag) return;
  const messages = [new HumanMessage(uri)];
  messages.push(await model(messages));
  for (const call of messages[1].tool_calls) messages.push(await tools[call.name].invoke(call));
  const said = await model(messages);
  seen.set(uri, etag);
  say('acted', { uri, etag, said: said.text });
}

async function watch(uris, seen) {
  const told = [];
  let wake = () => undefined;
  const headers = { Authorization: `Bearer ${process.env.TWIN_TOKEN}` };
  const adapter = new MultiServerMCPClient({
    mcpServers: { twin: { url: `${process.env.TWIN_URL}/mcp`, headers } },
    onResourcesUpdated: ({ uri }) => wake(told.push(uri)),
  });
  try {
    const tools = Object.fromEntries((await adapter.getTools()).map((tool) => [tool.name, tool]));
    const twin = { tools, client: await adapter.getClient('twin') };
    for (const uri of uris) await look(twin, seen, uri, 'read');
    for (const uri of seen.keys()) await twin.client.subscribeResource({ uri });
    say('listening', { uris: [...seen.keys()] });
    for (;;) {
      const noticed = new Promise((resolve) => (wake = resolve));
      if (told.length === 0) await Promise.race([noticed, sleep(QUIET_MS)]);
      if (told.length === 0) for (const uri of seen.keys()) await look(twin, seen, uri, 'read');
      else await look(twin, seen, told.shift(), 'told');
    }
  } finally {
    await adapter.close();
  }
}

const seen = new Map();
for (;;) {
  await watch(process.argv.slice(2), seen).catch((error) => say('lost', { why: error.message }));
  await sleep(1_000);
}
