"""Plays the HTTP story through fastmcp's client."""

from contextlib import asynccontextmanager
from typing import Any, AsyncIterator

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from mcp import MCPError

from http_story import Refused, tell


class FastMcp:
    calls_unlisted = True

    def __init__(self, client: Client):
        self._client = client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self._client.call_tool(tool, arguments, raise_on_error=False)
        if result.is_error:
            error = (result.meta or {}).get("dev.sessile/error", {})
            raise Refused(error.get("code"), str(result.content))
        assert result.structured_content is not None, f"{tool} gave no structured content"
        return result.structured_content

    async def tools(self) -> list[dict[str, Any]]:
        return [tool.model_dump(by_alias=True) for tool in await self._client.list_tools()]

    async def read(self, uri: str) -> str:
        try:
            (content,) = await self._client.read_resource(uri)
        except MCPError as error:
            raise Refused(error.error.code, error.error.message) from error
        return content.text

    def changes_of(self, uri: str) -> None:
        return None


@asynccontextmanager
async def connect(url: str, token: str | None) -> AsyncIterator[FastMcp]:
    async with Client(StreamableHttpTransport(url, auth=token)) as client:
        yield FastMcp(client)


if __name__ == "__main__":
    tell(connect, __doc__ or "")
