"""Plays the story through the Python SDK's WebSocket client."""

import warnings
from contextlib import asynccontextmanager, contextmanager
from typing import Any, AsyncIterator, Iterator

from mcp import ClientSession, McpError, types
from mcp.client.websocket import websocket_client
from pydantic import AnyUrl

from story import Inbox, Refused, options, tell

# The SDK says at each use that its next major version drops WebSocket; the version here is pinned.
warnings.filterwarnings("ignore", message="The WebSocket client transport is deprecated")


class PythonSdk:
    def __init__(self, session: ClientSession, inbox: Inbox):
        self._session = session
        self.inbox = inbox

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        # The SDK also holds the structured content against the tool's output schema.
        result = await self._session.call_tool(tool, arguments)
        if result.isError:
            error = (result.meta or {}).get("dev.sessile/error", {})
            raise Refused(error.get("code"), str(result.content))
        assert result.structuredContent is not None, f"{tool} gave no structured content"
        return result.structuredContent

    async def tools(self) -> list[dict[str, Any]]:
        listed = await self._session.list_tools()
        assert listed.nextCursor is None, "the tools do not fit in one page"
        return [tool.model_dump(by_alias=True) for tool in listed.tools]

    async def subscribe(self, uri: str) -> None:
        with mcp_errors():
            await self._session.subscribe_resource(AnyUrl(uri))

    async def read(self, uri: str) -> str:
        with mcp_errors():
            result = await self._session.read_resource(AnyUrl(uri))
        (content,) = result.contents
        assert isinstance(content, types.TextResourceContents)
        return content.text


@contextmanager
def mcp_errors() -> Iterator[None]:
    try:
        yield
    except McpError as error:
        raise Refused(error.error.code, error.error.message) from error


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[PythonSdk]:
    inbox = Inbox()

    async def hear(message: Any) -> None:
        if isinstance(message, Exception):
            raise message
        if isinstance(message, types.ServerNotification):
            notification = message.root
            uri = getattr(notification.params, "uri", None)
            inbox.put(notification.method, uri and str(uri))

    async with websocket_client(url) as streams:
        async with ClientSession(*streams, message_handler=hear) as session:
            await session.initialize()
            yield PythonSdk(session, inbox)


if __name__ == "__main__":
    arguments = options(__doc__).parse_args()
    tell(lambda: connect(arguments.url), arguments.pause)
