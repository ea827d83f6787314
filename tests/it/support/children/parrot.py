"""An MCP server on stdio with one tool, which says word for word what it is told to.

    parrot.py DIRECTORY

Each line that it reads goes into DIRECTORY/heard as it came. When its tool `say` is called, it writes the lines of
DIRECTORY/say as they are, with the call's id in place of @@ID@@ and its progress token in place of @@TOKEN@@. After a
line that begins with `?`, it waits until it has heard an answer.
"""

import json
import sys
from pathlib import Path

HOME = Path(sys.argv[1])
OURS = {"name": "parrot", "version": "1"}
CAPABILITIES = {"tools": {}, "logging": {}}
TOOLS = [{"name": "say", "inputSchema": {"type": "object"}}]


def main() -> None:
    # Sessions of other clients may come and go; each adds to what was heard.
    with open(HOME / "heard", "ab", buffering=0) as heard:
        while line := read(heard):
            message = json.loads(line)
            if "id" in message and "method" in message:
                answer(message, heard)


def read(heard) -> bytes:
    line = sys.stdin.buffer.readline()
    heard.write(line)
    return line


def answer(message: dict, heard) -> None:
    params = message.get("params", {})
    match message["method"]:
        case "initialize":
            result = {"protocolVersion": params["protocolVersion"], "capabilities": CAPABILITIES, "serverInfo": OURS}
        case "server/discover":
            versions = {"supportedVersions": ["2026-07-28"], "resultType": "complete"}
            result = {**versions, "capabilities": CAPABILITIES, "ttlMs": 0, "cacheScope": "private"}
        case "tools/list":
            result = {"tools": TOOLS, "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        case "tools/call":
            return say(message, heard)
        case _:
            result = {}
    write(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode())


def say(message: dict, heard) -> None:
    token = message["params"].get("_meta", {}).get("progressToken")
    for line in (HOME / "say").read_bytes().split(b"\n"):
        question, line = line.startswith(b"?"), line.removeprefix(b"?")
        line = line.replace(b"@@ID@@", json.dumps(message["id"]).encode())
        write(line.replace(b"@@TOKEN@@", json.dumps(token).encode()))
        # What comes before the answer is only heard.
        while question and "method" in json.loads(read(heard)):
            pass


def write(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


main()
