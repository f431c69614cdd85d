"""Says when to look at a document: told of a change, connected anew, or quiet for a while.

The session of the 2025 era ends with its server, and a notice may be lost with it or come twice;
so whoever looks has to know what it has seen.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable

import httpx
from langchain_mcp_adapters.client import MultiServerMCPClient
from mcp import ClientSession, McpError
from mcp.types import ResourceUpdatedNotification

QUIET_SECONDS = 5
Look = Callable[[ClientSession, str, str], Awaitable[bool]]


async def follow(uris: list[str], look: Look, say: Callable[..., None]) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()

    async def heard(message: object) -> None:  # Reading in here would wait for itself.
        if isinstance(update := getattr(message, "root", None), ResourceUpdatedNotification):
            told.put_nowait(str(update.params.uri))

    headers = {"Authorization": f"Bearer {os.environ['TWIN_TOKEN']}"}
    twin = {"transport": "streamable_http", "url": os.environ["TWIN_URL"] + "/mcp"}
    twin |= {"headers": headers, "session_kwargs": {"message_handler": heard}}
    while True:
        try:
            async with MultiServerMCPClient({"twin": twin}).session("twin") as session:
                readable = [uri for uri in uris if await look(session, uri, "read")]
                for uri in readable:
                    await session.subscribe_resource(uri)
                say("listening", uris=readable)
                while True:
                    try:
                        uri = await asyncio.wait_for(told.get(), QUIET_SECONDS)
                        await look(session, uri, "told")
                    except TimeoutError:
                        for uri in readable:
                            await look(session, uri, "read")
        except* (McpError, httpx.TransportError):
            say("lost")
        await asyncio.sleep(1)
