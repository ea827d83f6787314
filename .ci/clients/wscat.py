"""Plays the story through wscat, typing into its terminal as a person would.

No handshake is typed: the first line is a tools/call. wscat drops what it is given before it is connected,
and says that it is connected only to a terminal, so it gets a terminal of its own.
"""

import asyncio
import json
import os
import pty
import re
import termios
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator

from story import Inbox, Refused, options, tell

# How wscat prints what it receives: the arrow, the frame, and the colour reset.
RECEIVED = re.compile(rb"< (\{.*\})\x1b\[39m")


class Wscat:
    def __init__(self, terminal: int):
        self._terminal = terminal
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.inbox = Inbox()

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self._request("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            error = result.get("_meta", {}).get("dev.sessile/error", {})
            raise Refused(error.get("code"), str(result["content"]))
        return result["structuredContent"]

    async def tools(self) -> list[dict[str, Any]]:
        return (await self._request("tools/list", {}))["tools"]

    async def subscribe(self, uri: str) -> None:
        await self._request("resources/subscribe", {"uri": uri})

    async def read(self, uri: str) -> str:
        (content,) = (await self._request("resources/read", {"uri": uri}))["contents"]
        return content["text"]

    async def _request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = len(self._answers) + 1
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        os.write(self._terminal, json.dumps(request).encode() + b"\r")
        try:
            async with asyncio.timeout(10):
                message = await answer
        except TimeoutError:
            raise AssertionError(f"no answer to {method} {params.get('name', '')}") from None
        if "error" in message:
            raise Refused(message["error"]["code"], message["error"]["message"])
        return message["result"]

    async def hear(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            if found := RECEIVED.search(line):
                message = json.loads(found[1])
                if "method" in message:
                    self.inbox.put(message["method"], message.get("params", {}).get("uri"))
                else:
                    self._answers[message["id"]].set_result(message)
            elif b"Disconnected" in line:
                print(f"  wscat says {line!r}", flush=True)


@asynccontextmanager
async def connect(url: str, subprotocol: str | None) -> AsyncIterator[Wscat]:
    command = ["wscat", "--no-color", "--connect", url]
    if subprotocol:
        command += ["--subprotocol", subprotocol]
    ours, theirs = pty.openpty()
    # Wide enough that no line is ever wrapped.
    termios.tcsetwinsize(theirs, (50, 65535))
    process = await asyncio.create_subprocess_exec(
        *command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    lines = asyncio.StreamReader(limit=2**24)
    terminal = os.fdopen(ours, "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), terminal
    )
    async with asyncio.timeout(10):
        greeting = await lines.readuntil(b"\n")
        assert b"Connected" in greeting, f"wscat said {greeting!r}"

    wscat = Wscat(ours)
    hearing = asyncio.create_task(wscat.hear(lines))
    try:
        yield wscat
    finally:
        hearing.cancel()
        os.write(ours, b"\x03")  # Ctrl-C, as a person leaves
        await process.wait()


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("--subprotocol", help="offer this subprotocol (wscat -s)")
    arguments = parser.parse_args()
    tell(lambda: connect(arguments.url, arguments.subprotocol), arguments.pause)
