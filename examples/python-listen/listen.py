"""Reads documents of a twin, and reads them again when told that they changed (MCP 2026-07-28).

TWIN_URL and TWIN_TOKEN say where and as whom; the arguments are URIs. One JSON object a line.
"""

import asyncio
import json
import os
import sys

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client


def say(event: str, **more: object) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


async def read(client: Client, uri: str, event: str = "read") -> None:
    try:
        # Past the client's cache, which may hold what it read for ttlMs: a right may have ended.
        result = await client.read_resource(uri, cache_mode="bypass")
        say(event, uri=uri, etag=json.loads(result.contents[0].text)["etag"])
    except MCPError as error:
        say("refused", uri=uri, code=error.error.code)


async def main(uris: list[str]) -> None:
    headers = {"Authorization": f"Bearer {os.environ['TWIN_TOKEN']}"}
    # A listen stream stays open for hours: no read timeout.
    async with httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(30, read=None)) as http:
        transport = streamable_http_client(os.environ["TWIN_URL"] + "/mcp", http_client=http)
        async with Client(transport) as client:
            for uri in uris:
                await read(client, uri)
            async with client.listen(resource_subscriptions=uris) as subscription:
                honored = [str(uri) for uri in subscription.honored.resource_subscriptions or []]
                say("listening", uris=honored)
                async for change in subscription:
                    await read(client, str(change.uri), "told")
            # The server ends the stream with the token, or with the right to read.
            say("ended")
            for uri in uris:
                await read(client, uri)


asyncio.run(main(sys.argv[1:]))
