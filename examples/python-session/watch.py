"""The same over a session of the 2025 era, for clients that know no `subscriptions/listen`.

TWIN_URL and TWIN_TOKEN say where and as whom; the arguments are URIs. One JSON object a line;
each line on stdin reads everything again.
"""

import asyncio
import json
import os
import sys

import mcp.types as types
from mcp import ClientSession, McpError
from mcp.client.streamable_http import streamablehttp_client
from pydantic import AnyUrl


def say(event: str, **more: object) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


async def read(session: ClientSession, uri: str, event: str = "read") -> None:
    try:
        result = await session.read_resource(AnyUrl(uri))
        say(event, uri=uri, etag=json.loads(result.contents[0].text)["etag"])
    except McpError as error:
        say("refused", uri=uri, code=error.error.code)


async def main(uris: list[str]) -> None:
    headers = {"Authorization": f"Bearer {os.environ['TWIN_TOKEN']}"}
    told: asyncio.Queue[str] = asyncio.Queue()

    async def heard(message: object) -> None:
        # Reading here would wait for the loop that calls this: hand it on instead.
        if isinstance(message, types.ServerNotification):
            if isinstance(message.root, types.ResourceUpdatedNotification):
                await told.put(str(message.root.params.uri))

    async with streamablehttp_client(os.environ["TWIN_URL"] + "/mcp", headers=headers) as (r, w, _):
        async with ClientSession(r, w, message_handler=heard) as session:
            await session.initialize()
            granted = []
            for uri in uris:
                await read(session, uri)
                try:
                    await session.subscribe_resource(AnyUrl(uri))
                    granted.append(uri)
                except McpError as error:
                    say("refused", uri=uri, code=error.error.code)
            say("listening", uris=granted)

            async def rereads() -> None:
                while await asyncio.to_thread(sys.stdin.readline):
                    for uri in uris:
                        await read(session, uri)

            async def updates() -> None:
                while True:
                    await read(session, await told.get(), "told")

            await asyncio.gather(rereads(), updates())


asyncio.run(main(sys.argv[1:]))
