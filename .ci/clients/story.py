"""The story that a client plays: sign in once, work without a token, be told, be alone.

Ann works at one company, on two connections; Eve at another. This file knows no client: it is given a
way to connect, and says what has to be seen through whatever it is.
"""

import argparse
import asyncio
import json
import sys
import uuid
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Callable, Coroutine, Protocol

TOOLS_CHANGED = ("notifications/tools/list_changed", None)


def updated(uri: str) -> tuple[str, str]:
    return ("notifications/resources/updated", uri)


class Refused(Exception):
    """A tool or a request that answered with an error; the code is Sessile's own, or JSON-RPC's."""

    def __init__(self, code: Any, text: str):
        super().__init__(f"{code}: {text}")
        self.code = code


class Inbox:
    """The notifications that the story is about, in the order in which they came."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[str, str | None]] = asyncio.Queue()

    def put(self, method: str, uri: str | None = None) -> None:
        if (method, None) == TOOLS_CHANGED or uri is not None:
            self._queue.put_nowait((method, uri))

    async def expect(self, news: tuple[str, str | None]) -> None:
        try:
            async with asyncio.timeout(10):
                heard = await self._queue.get()
        except TimeoutError:
            heard = None
        same("heard", heard, news)

    def expect_silence(self) -> None:
        assert self._queue.empty(), f"heard {self._queue.get_nowait()}, expected nothing more"


class Client(Protocol):
    """One connection, as the story uses it."""

    inbox: Inbox

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]: ...

    async def tools(self) -> list[dict[str, Any]]: ...

    async def subscribe(self, uri: str) -> None: ...

    async def read(self, uri: str) -> str: ...


Connect = Callable[[], AbstractAsyncContextManager[Client]]


async def play(connect: Connect, pause: bool) -> None:
    run = uuid.uuid4().hex
    password = f"a long one, {run}"
    ann_email = f"ann-{run}@harbour.example"

    async with connect() as ann, connect() as desk, connect() as eve:
        await refused("not_signed_in", ann.call("crm_contact_list"))
        await ann.call("auth_sign_up", email=ann_email, password=password, tenant_name="Harbour")
        await ann.inbox.expect(TOOLS_CHANGED)
        await no_tool_takes_a_token(ann)
        say("signed in once, by a tool, and was told that the tools changed")

        mona = await ann.call("crm_contact_create", name="Mona Lund")
        uri = f"crm://contacts/{mona['id']}"
        same("the resource read", json.loads(await ann.read(uri))["id"], mona["id"])
        say("created and read a contact without a token")

        eve_email = f"eve-{run}@pine.example"
        await eve.call("auth_sign_up", email=eve_email, password=password, tenant_name="Pine")
        await eve.inbox.expect(TOOLS_CHANGED)
        await ann.subscribe(uri)
        with suppress(Refused):
            await eve.subscribe(uri)
        await desk.call("auth_sign_in", email=ann_email, password=password)
        await desk.inbox.expect(TOOLS_CHANGED)
        change = {"id": mona["id"], "version": mona["version"], "job_title": "Skipper"}
        await desk.call("crm_contact_update", **change)
        await ann.inbox.expect(updated(uri))
        mona_now = await ann.call("crm_contact_get", id=mona["id"])
        same("the changed field", mona_now["job_title"], "Skipper")
        say("was told of a change that a second connection made")
        if pause:
            say("Press Enter to go on.")
            await asyncio.to_thread(sys.stdin.readline)

        same("the contacts Ann sees", await contact_ids(ann), [mona["id"]])
        same("the contacts Ann sees on her second connection", await contact_ids(desk), [mona["id"]])
        same("the contacts Eve sees", await contact_ids(eve), [])
        await refused("not_found", eve.call("crm_contact_get", id=mona["id"]))
        await refused(None, eve.read(uri))
        eve.inbox.expect_silence()
        say("showed another tenant an empty list, not_found for the contact, and no news of it")

        await ann.call("auth_sign_out")
        await ann.inbox.expect(TOOLS_CHANGED)
        await refused("not_signed_in", ann.call("crm_contact_list"))
        for client in (ann, desk, eve):
            client.inbox.expect_silence()
        say("signed out, and was a stranger again")


def same(what: str, actual: Any, expected: Any) -> None:
    assert actual == expected, f"{what}: {actual}, expected {expected}"


async def refused(code: str | None, attempt: Any) -> None:
    """Expects a refusal, with this code unless it is None."""
    try:
        result = await attempt
    except Refused as refusal:
        if code is not None:
            same("the refusal", refusal.code, code)
    else:
        raise AssertionError(f"expected a refusal, got {result}")


async def no_tool_takes_a_token(client: Client) -> None:
    tools = {tool["name"]: tool["inputSchema"].get("properties", {}) for tool in await client.tools()}
    assert "crm_contact_list" in tools, f"no crm_contact_list among {sorted(tools)}"
    for name, arguments in tools.items():
        forbidden = {"token", "tenant", "tenant_id"} & arguments.keys()
        assert not forbidden, f"{name} takes {forbidden}"


async def contact_ids(client: Client) -> list[str]:
    return [contact["id"] for contact in (await client.call("crm_contact_list"))["items"]]


def say(line: str) -> None:
    print(f"  {line}", flush=True)


def tell(connect: Connect, pause: bool) -> None:
    """Plays the story to its end, or exits with the one expectation that was not met."""
    end_with(play(connect, pause))


def end_with(story: Coroutine[Any, Any, None]) -> None:
    """Runs a story to its end, or exits with the one expectation that was not met."""
    try:
        asyncio.run(story)
    except* (AssertionError, Refused) as group:
        # A client that runs in task groups wraps what happened once for each of them.
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        sys.exit(f"  Not as expected: {error}")


def options(description: str) -> argparse.ArgumentParser:
    """The command line that every client has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("url")
    parser.add_argument("--pause", action="store_true", help="wait for Enter before the last look")
    return parser
