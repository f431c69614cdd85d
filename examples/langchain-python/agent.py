"""A LangChain agent that acts exactly once on each change of a document, whatever breaks meanwhile.

TWIN_URL and TWIN_TOKEN say where and as whom; the arguments are URIs. One JSON object a line.
It acts where the etag is not the one that it knows, however often it is told. What has to outlive
the agent too has to keep `known` where its acts are kept.
"""

import asyncio
import json
import sys

from follow import follow
from langchain_core.messages import HumanMessage
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp import ClientSession, McpError
from mcp.types import INVALID_PARAMS
from model import answer

known: dict[str, str] = {}


def say(event: str, **more: object) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


async def look(session: ClientSession, uri: str, event: str) -> bool:
    try:
        etag = json.loads((await session.read_resource(uri)).contents[0].text)["etag"]
    except McpError as error:
        if error.error.code != INVALID_PARAMS:
            raise  # Not refused: the session has gone.
        say("refused", uri=uri, code=error.error.code)
        return False
    say(event, uri=uri, etag=etag)
    if known.setdefault(uri, etag) != etag:  # What is there at first is nothing to act upon.
        said = await think(session, uri)
        known[uri] = etag
        say("acted", uri=uri, etag=etag, said=said)
    return True


async def think(session: ClientSession, uri: str) -> str:
    tools = {tool.name: tool for tool in await load_mcp_tools(session)}
    messages = [HumanMessage(uri), await answer([HumanMessage(uri)])]
    while calls := messages[-1].tool_calls:
        messages += [await tools[call["name"]].ainvoke(call) for call in calls]
        messages.append(await answer(messages))
    return messages[-1].text


asyncio.run(follow(sys.argv[1:], look, say))
