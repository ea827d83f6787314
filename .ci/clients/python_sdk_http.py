"""Plays the HTTP story through the Python SDK's second generation, in either era."""

import os
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator

from mcp import Client, MCPError
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

from http_story import Refused, tell


class PythonSdk:
    calls_unlisted = True

    def __init__(self, client: Client):
        self._client = client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self._client.call_tool(tool, arguments)
        if result.is_error:
            error = (result.meta or {}).get("dev.sessile/error", {})
            raise Refused(error.get("code"), str(result.content))
        assert result.structured_content is not None, f"{tool} gave no structured content"
        return result.structured_content

    async def tools(self) -> list[dict[str, Any]]:
        return [tool.model_dump(by_alias=True) for tool in (await self._client.list_tools()).tools]

    async def read(self, uri: str) -> str:
        try:
            (content,) = (await self._client.read_resource(uri)).contents
        except MCPError as error:
            raise Refused(error.error.code, error.error.message) from error
        return content.text

    def changes_of(self, uri: str):
        if self._client.protocol_version < "2026-07-28":
            return None

        @asynccontextmanager
        async def listening():
            async with self._client.listen(resource_subscriptions=[uri]) as subscription:

                async def changed() -> str:
                    return (await anext(aiter(subscription))).uri

                yield changed

        return listening()


@asynccontextmanager
async def connect(url: str, token: str | None) -> AsyncIterator[PythonSdk]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with create_mcp_http_client(headers=headers) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=os.environ.get("MCP_MODE", "auto")) as client:
            print(f"  ({client.protocol_version})", flush=True)
            yield PythonSdk(client)


if __name__ == "__main__":
    tell(connect, __doc__ or "")
