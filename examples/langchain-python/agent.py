"""A LangChain agent that acts exactly once on each change of a document.

TWIN_URL and TWIN_TOKEN say where and as whom; the argument is a URI. The model is scripted, so that
this runs anywhere: put a real chat model in its place. Two notices of one state, or a notice after
a reconnect, name the same etag, and the act is keyed by it.
"""

import asyncio
import json
import os
import sys

import mcp.types as types
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp import McpError
from pydantic import AnyUrl


class ScriptedModel:
    """Asks for the document first, then says what to do about it."""

    async def ainvoke(self, messages: list) -> AIMessage:
        if isinstance(messages[-1], ToolMessage):
            return AIMessage(f"Noted: {str(messages[-1].content)[:60]!r}")
        args = {"uri": messages[-1].content, "budget": 300}
        return AIMessage("", tool_calls=[{"name": "readDocument", "args": args, "id": "1"}])


def say(event: str, **more: object) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


async def main(uri: str) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()

    async def heard(message: object) -> None:
        if isinstance(message, types.ServerNotification):
            if isinstance(message.root, types.ResourceUpdatedNotification):
                await told.put(str(message.root.params.uri))

    connection = {
        "transport": "streamable_http",
        "url": os.environ["TWIN_URL"] + "/mcp",
        "headers": {"Authorization": f"Bearer {os.environ['TWIN_TOKEN']}"},
        "session_kwargs": {"message_handler": heard},
    }
    async with MultiServerMCPClient({"twin": connection}).session("twin") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}
        model, acted = ScriptedModel(), set()

        async def etag() -> str:
            result = await session.read_resource(AnyUrl(uri))
            return json.loads(result.contents[0].text)["etag"]

        try:
            acted.add(await etag())  # What is there now is known, and nothing to act upon.
            say("read", uri=uri, tools=sorted(tools))
            await session.subscribe_resource(AnyUrl(uri))
        except McpError as error:
            say("refused", uri=uri, code=error.error.code)
            return
        say("listening", uris=[uri])
        while True:
            changed = await told.get()
            now = await etag()
            if now in acted:
                continue
            acted.add(now)
            asked = await model.ainvoke([HumanMessage(changed)])
            call = asked.tool_calls[0]
            answer = await tools[call["name"]].ainvoke(call["args"])
            content = answer if isinstance(answer, str) else json.dumps(answer)
            said = await model.ainvoke([asked, ToolMessage(content, tool_call_id=call["id"])])
            say("acted", etag=now, said=said.content)


asyncio.run(main(sys.argv[1]))
