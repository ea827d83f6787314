"""Uses servers from the registries over HTTP, by the Python SDK's second generation, in either era (MCP_MODE)."""

import os
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator

from mcp import Client, types
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

from servers_story import Progress, Result, Tenant, tell


class PythonSdk:
    def __init__(self, client: Client):
        self._client = client

    async def call(self, tool: str, progress: Progress | None = None, **arguments: Any) -> Result:
        async def hear(so_far: float, total: float | None, _: str | None) -> None:
            progress(so_far, total)

        result = await self._client.call_tool(tool, arguments, progress_callback=progress and hear)
        texts = [block.text for block in result.content if isinstance(block, types.TextContent)]
        return Result("\n".join(texts), result.structured_content, bool(result.is_error))

    async def tools(self) -> set[str]:
        return {tool.name for tool in (await self._client.list_tools()).tools}

    async def resources(self) -> set[str]:
        return {str(resource.uri) for resource in (await self._client.list_resources()).resources}

    async def read(self, uri: str) -> str:
        (content,) = (await self._client.read_resource(uri)).contents
        return content.text

    async def prompt(self, name: str, **arguments: str) -> str:
        messages = (await self._client.get_prompt(name, arguments)).messages
        return "\n".join(message.content.text for message in messages)


@asynccontextmanager
async def connect(url: str, tenant: Tenant) -> AsyncIterator[PythonSdk]:
    async def sample(_: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        text = types.TextContent(type="text", text=f"the model of {tenant.name}")
        return types.CreateMessageResult(role="assistant", content=text, model="none")

    async def fill_in(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"name": tenant.name, "check": True})

    async with create_mcp_http_client(headers={"Authorization": f"Bearer {tenant.key}"}) as http:
        transport = streamable_http_client(url, http_client=http)
        mode = os.environ.get("MCP_MODE", "auto")
        async with Client(transport, mode=mode, sampling_callback=sample, elicitation_callback=fill_in) as client:
            print(f"  ({client.protocol_version})", flush=True)
            yield PythonSdk(client)


if __name__ == "__main__":
    tell(connect)
