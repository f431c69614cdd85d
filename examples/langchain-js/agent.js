/**
 * A LangChain agent that acts exactly once on each change of a document, whatever breaks meanwhile.
 *
 * TWIN_URL and TWIN_TOKEN say where and as whom; the arguments are URIs. One JSON object a line.
 * It acts where the etag is not the one that it knows, however often it is told. What has to outlive
 * the agent too has to keep `known` where its acts are kept.
 */
import { HumanMessage } from '@langchain/core/messages';
import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import { follow } from './follow.js';
import { answer } from './model.js';

const known = new Map();
const say = (event, more) => console.log(JSON.stringify({ event, ...more }));

async function look(adapter, uri, event) {
  const client = await adapter.getClient('twin');
  let etag;
  try {
    etag = JSON.parse((await client.readResource({ uri })).contents[0].text).etag;
  } catch (error) {
    if (error.code !== ErrorCode.InvalidParams) throw error; // Not refused: the session has gone.
    say('refused', { uri, code: error.code });
    return false;
  }
  say(event, { uri, etag });
  if (!known.has(uri)) known.set(uri, etag); // What is there at first is nothing to act upon.
  if (known.get(uri) === etag) return true;
  const said = await think(adapter, uri);
  known.set(uri, etag);
  say('acted', { uri, etag, said });
  return true;
}

async function think(adapter, uri) {
  const tools = new Map((await adapter.getTools()).map((tool) => [tool.name, tool]));
  const messages = [new HumanMessage(uri), await answer([new HumanMessage(uri)])];
  for (let calls = messages[1].tool_calls; calls.length > 0; calls = messages.at(-1).tool_calls) {
    for (const call of calls) messages.push(await tools.get(call.name).invoke(call));
    messages.push(await answer(messages));
  }
  return messages.at(-1).text;
}

await follow(process.argv.slice(2), look, say);
