"""Runs several clients against one server, all signed in at the same time.

Each client stops before its last look and waits for Enter. Only when every one of them has come that far,
with its own tenants signed in and its own contact made, do they all go on and look: whatever one of them
then sees of another is a leak.
"""

import argparse
import asyncio
import shlex
import sys
from asyncio.subprocess import PIPE, STDOUT, Process


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commands", nargs="+", help="each a client's command line, without an address")
    parser.add_argument("url")
    arguments = parser.parse_args()

    clients = [await start(command, arguments.url) for command in arguments.commands]
    try:
        async with asyncio.timeout(60):
            await asyncio.gather(*map(until_paused, clients))
        print(f"  {len(clients)} clients are signed in; now all of them look", flush=True)
        outputs = await asyncio.gather(*map(go_on, clients))
    finally:
        for client in clients:
            if client.returncode is None:
                client.terminate()
                await client.wait()
    for command, client, output in zip(arguments.commands, clients, outputs):
        print(f"  {command}: exit {client.returncode}\n{output if client.returncode else ''}", end="")
    if any(client.returncode for client in clients):
        sys.exit(1)


async def start(command: str, url: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *shlex.split(command), url, "--pause", stdin=PIPE, stdout=PIPE, stderr=STDOUT
    )


async def until_paused(client: Process) -> None:
    output = ""
    async for line in client.stdout:
        output += line.decode()
        if b"Press Enter" in line:
            return
    raise RuntimeError(f"a client ended before all were signed in:\n{output}")


async def go_on(client: Process) -> str:
    output, _ = await client.communicate(b"\n")
    return output.decode()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except RuntimeError as error:
        sys.exit(f"  {error}")
