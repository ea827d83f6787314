"""Uses servers from the registries over a WebSocket, by the Python SDK, signed in once by a tool."""

import warnings
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator

from mcp import ClientSession, types
from mcp.client.websocket import websocket_client
from pydantic import AnyUrl

from servers_story import Progress, Result, Tenant, tell

# The SDK says at each use that its next major version drops WebSocket; the version here is pinned.
warnings.filterwarnings("ignore", message="The WebSocket client transport is deprecated")


class PythonSdk:
    def __init__(self, session: ClientSession):
        self._session = session

    async def call(self, tool: str, progress: Progress | None = None, **arguments: Any) -> Result:
        async def hear(so_far: float, total: float | None, _: str | None) -> None:
            progress(so_far, total)

        result = await self._session.call_tool(tool, arguments, progress_callback=progress and hear)
        texts = [block.text for block in result.content if isinstance(block, types.TextContent)]
        return Result("\n".join(texts), result.structuredContent, bool(result.isError))

    async def tools(self) -> set[str]:
        return {tool.name for tool in (await self._session.list_tools()).tools}

    async def resources(self) -> set[str]:
        return {str(resource.uri) for resource in (await self._session.list_resources()).resources}

    async def read(self, uri: str) -> str:
        (content,) = (await self._session.read_resource(AnyUrl(uri))).contents
        return content.text

    async def prompt(self, name: str, **arguments: str) -> str:
        messages = (await self._session.get_prompt(name, arguments)).messages
        return "\n".join(message.content.text for message in messages)


@asynccontextmanager
async def connect(url: str, tenant: Tenant) -> AsyncIterator[PythonSdk]:
    async def sample(_: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        text = types.TextContent(type="text", text=f"the model of {tenant.name}")
        return types.CreateMessageResult(role="assistant", content=text, model="none")

    async def fill_in(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"name": tenant.name, "check": True})

    async with websocket_client(url) as streams:
        async with ClientSession(*streams, sampling_callback=sample, elicitation_callback=fill_in) as session:
            await session.initialize()
            signed_in = await session.call_tool("auth_sign_in", {"email": tenant.email, "password": tenant.password})
            assert not signed_in.isError, signed_in
            yield PythonSdk(session)


if __name__ == "__main__":
    tell(connect)
