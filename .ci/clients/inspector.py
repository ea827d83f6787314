"""Plays the HTTP story through the MCP Inspector's command line, one process a request."""

import asyncio
import json
import os
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator

from http_story import Refused, tell

ERA = os.environ.get("MCP_ERA", "legacy")


class Inspector:
    calls_unlisted = False

    def __init__(self, url: str, token: str | None):
        self._url = url
        self._headers = ["--header", f"Authorization: Bearer {token}"] if token else []

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        pairs = [f"{name}={json.dumps(value)}" for name, value in arguments.items()]
        given = ["--tool-arg", *pairs] if pairs else []
        result = await self._run("tools/call", "--tool-name", tool, *given)
        if result.get("isError"):
            error = result.get("_meta", {}).get("dev.sessile/error", {})
            raise Refused(error.get("code"), str(result["content"]))
        return result["structuredContent"]

    async def tools(self) -> list[dict[str, Any]]:
        return (await self._run("tools/list"))["tools"]

    async def read(self, uri: str) -> str:
        return (await self._run("resources/read", "--uri", uri))["contents"][0]["text"]

    def changes_of(self, uri: str) -> None:
        return None

    async def _run(self, method: str, *rest: str) -> dict[str, Any]:
        command = ["mcp-inspector", "--cli", self._url, "--transport", "http", "--protocol-era", ERA]
        process = await asyncio.create_subprocess_exec(
            *command,
            *["--method", method, *rest, *self._headers],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        # A tool's failure is an exit status as well, with the result on standard output all the same.
        try:
            return json.loads(out)
        except ValueError:
            raise Refused(None, (out + err).decode()) from None


@asynccontextmanager
async def connect(url: str, token: str | None) -> AsyncIterator[Inspector]:
    yield Inspector(url, token)


if __name__ == "__main__":
    tell(connect, __doc__ or "")
