/**
 * A LangChain agent that acts exactly once on each change of a document.
 *
 * TWIN_URL and TWIN_TOKEN say where and as whom; the argument is a URI. The model is scripted, so
 * that this runs anywhere: put a real chat model in its place. Two notices of one state, or a notice
 * after a reconnect, name the same etag, and the act is keyed by it. One JSON object a line.
 */
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';

const say = (event, more) => console.log(JSON.stringify({ event, ...more }));

/** Asks for the document first, then says what to do about it. */
const model = {
  async invoke(messages) {
    const last = messages.at(-1);
    if (ToolMessage.isInstance(last)) return new AIMessage(`Noted: ${last.text.slice(0, 60)}`);
    const args = { uri: last.text, budget: 300 };
    return new AIMessage({ content: '', tool_calls: [{ name: 'readDocument', args, id: '1' }] });
  },
};

const [uri] = process.argv.slice(2);
const heard = [];
let wake = () => undefined;
const adapter = new MultiServerMCPClient({
  mcpServers: {
    twin: {
      url: `${process.env.TWIN_URL}/mcp`,
      headers: { Authorization: `Bearer ${process.env.TWIN_TOKEN}` },
    },
  },
  onResourcesUpdated: (updated) => {
    heard.push(updated.uri);
    wake();
  },
});
const tools = new Map((await adapter.getTools()).map((tool) => [tool.name, tool]));
const client = await adapter.getClient('twin');
const etag = async () => JSON.parse((await client.readResource({ uri })).contents[0].text).etag;

const acted = new Set();
try {
  acted.add(await etag()); // What is there now is known, and nothing to act upon.
  say('read', { uri, tools: [...tools.keys()].sort() });
  await client.subscribeResource({ uri });
} catch (error) {
  say('refused', { uri, code: error.code });
  process.exit(0);
}
say('listening', { uris: [uri] });
for (;;) {
  if (heard.length === 0) await new Promise((resolve) => (wake = resolve));
  const changed = heard.shift();
  if (changed === undefined) continue;
  const now = await etag();
  if (acted.has(now)) continue;
  acted.add(now);
  const asked = await model.invoke([new HumanMessage(changed)]);
  const [call] = asked.tool_calls;
  const answer = await tools.get(call.name).invoke(call.args);
  const content = typeof answer === 'string' ? answer : JSON.stringify(answer);
  const said = await model.invoke([asked, new ToolMessage({ content, tool_call_id: call.id })]);
  say('acted', { etag: now, said: said.text });
}
