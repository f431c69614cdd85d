"""A LangChain agent that acts exactly once on each change of a document, whatever breaks meanwhile.

TWIN_URL and TWIN_TOKEN say where and as whom; the arguments are URIs. One JSON object a line.
The model is scripted, so that this runs anywhere: put a real chat model in its place. A notice may
come twice, or not at all while the server is away; so each one, and each connection, only makes the
agent look, and it acts where the etag is not the one it last acted on.
"""

import asyncio
import json
import os
import sys

import httpx
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp import McpError
from mcp.types import INVALID_PARAMS, ResourceUpdatedNotification, ServerNotification

QUIET_SECONDS = 5  # After so long without a notice the agent looks all the same.


def say(event: str, **more: object) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


def model(messages: list[AnyMessage]) -> AIMessage:
    """Asks for the document first, then says what to do about it."""
    if isinstance(messages[-1], ToolMessage):
        return AIMessage(f"Noted: {messages[-1].text[:60]!r}")
    args = {"uri": messages[-1].text, "budget": 300}
    return AIMessage("", tool_calls=[{"name": "readDocument", "args": args, "id": "1"}])


async def watch(uris: list[str], seen: dict[str, str]) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()

    async def heard(message: object) -> None:
        match message:  # Reading here would wait for the loop that calls this: hand it on instead.
            case ServerNotification(root=ResourceUpdatedNotification(params=params)):
                await told.put(str(params.uri))

    async def look(uri: str, event: str) -> None:
        try:
            etag = json.loads((await session.read_resource(uri)).contents[0].text)["etag"]
        except McpError as error:
            if error.error.code != INVALID_PARAMS:
                raise  # No refusal: the session has gone.
            return say("refused", uri=uri, code=error.error.code)
        say(event, uri=uri, etag=etag)
        if seen.setdefault(uri, etag) == etag:  # What is there at first is nothing to act upon.
            return
        asked = model([HumanMessage(uri)])
        answers = [await tools[call["name"]].ainvoke(call) for call in asked.tool_calls]
        said = model([HumanMessage(uri), asked, *answers])
        seen[uri] = etag
        say("acted", uri=uri, etag=etag, said=said.text)

    connection = {
        "transport": "streamable_http",
        "url": os.environ["TWIN_URL"] + "/mcp",
        "headers": {"Authorization": f"Bearer {os.environ['TWIN_TOKEN']}"},
        "session_kwargs": {"message_handler": heard},
    }
    async with MultiServerMCPClient({"twin": connection}).session("twin") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}
        for uri in uris:
            await look(uri, "read")
        for uri in seen:
            await session.subscribe_resource(uri)
        say("listening", uris=list(seen))
        while True:
            try:
                await look(await asyncio.wait_for(told.get(), QUIET_SECONDS), "told")
            except TimeoutError:
                for uri in seen:
                    await look(uri, "read")


async def main(uris: list[str]) -> None:
    seen: dict[str, str] = {}
    while True:
        try:
            await watch(uris, seen)
        except* (McpError, httpx.TransportError):
            say("lost")
            await asyncio.sleep(1)


asyncio.run(main(sys.argv[1:]))
