"""What two tenants do at once with servers from the registries, through one gateway.

Each has a token, a directory and a memory of their own, and sees nothing of the other's. The servers know nothing of
tenants. This file knows no client: it is given a way to connect, and says what has to be seen through it.
"""

import asyncio
import json
import sys
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Protocol

from story import end_with, same, say

CITY = "New York"


@dataclass
class Tenant:
    """One tenant, as the servers' definitions and the test know them."""

    id: str
    email: str
    password: str
    key: str
    directory: str
    secret: str
    name: str


@dataclass
class Result:
    """A tool's answer."""

    text: str
    structured: Any
    failed: bool


# Hears of progress: how far, of how much.
Progress = Callable[[float, float | None], None]


class Client(Protocol):
    """One signed-in connection. It answers each question to its model with the name of its tenant, and each form."""

    async def call(self, tool: str, progress: Progress | None = None, **arguments: Any) -> Result: ...

    async def tools(self) -> set[str]: ...

    async def resources(self) -> set[str]: ...

    async def read(self, uri: str) -> str: ...

    async def prompt(self, name: str, **arguments: str) -> str: ...


Connect = Callable[[Tenant], AbstractAsyncContextManager[Client]]


class Meeting:
    """Where the two wait for each other, so that all is there when both look."""

    def __init__(self, run: str, page: str) -> None:
        self.run = run
        self.page = page
        self.both = asyncio.Barrier(2)


async def play(connect: Connect, tenants: list[Tenant], meeting: Meeting) -> None:
    one, other = tenants
    async with asyncio.timeout(120):
        await asyncio.gather(work(connect, one, other, meeting), work(connect, other, one, meeting))


async def work(connect: Connect, me: Tenant, other: Tenant, meeting: Meeting) -> None:
    async with connect(me) as client:
        wanted = {"everything_echo", "filesystem_read_text_file", "memory_read_graph", "git_git_log"}
        wanted |= {"time_convert_time", "fetch_fetch", "remote_get-sum"}
        # Who takes long to start does not hold up the others, and is listed a moment later.
        await listed(client, wanted)
        await everything(client, me, other)
        await files(client, me, other)
        await history(client, me, other)
        await clock_and_page(client, meeting)
        await remembered(client, me, other, meeting)
        await meeting.both.wait()
    say(f"{me.name}: used seven servers, with a token, files, a repository and a memory of their own")


async def listed(client: Client, wanted: set[str]) -> None:
    """Waits until all these tools are listed."""
    deadline = asyncio.get_running_loop().time() + 60
    while missing := wanted - await client.tools():
        assert asyncio.get_running_loop().time() < deadline, f"not listed: {missing}"
        await asyncio.sleep(0.1)


async def everything(client: Client, me: Tenant, other: Tenant) -> None:
    same("the echo", (await client.call("everything_echo", message=me.name)).text, f"Echo: {me.name}")
    weather = await client.call("everything_get-structured-content", location=CITY)
    same("what the weather has", set(weather.structured), {"temperature", "conditions", "humidity"})

    environment = json.loads((await client.call("everything_get-env")).text)
    same("the credential in the environment", environment["TOKEN"], f"Bearer {me.secret}")
    same("the tenant in the environment", environment["SESSILE_TENANT_ID"], me.id)
    text = json.dumps(environment)
    assert other.secret not in text, "another tenant's credential is in the environment"
    assert "SESSILE_MASTER_KEY" not in text and "CANARY" not in text, "the gateway's own environment is passed on"

    heard: list[tuple[float, float | None]] = []
    operation = client.call(
        "everything_trigger-long-running-operation", lambda *news: heard.append(news), duration=0.4, steps=4
    )
    assert "completed" in (await operation).text
    same("the progress", heard, [(step, 4) for step in (1, 2, 3, 4)])

    # These are only there for clients that can be asked, and come a moment after the session has begun.
    await listed(client, {"everything_trigger-elicitation-request", "everything_trigger-sampling-request"})
    sampled = await client.call("everything_trigger-sampling-request", prompt="Who are you?", maxTokens=10)
    assert f"the model of {me.name}" in sampled.text, sampled.text
    filled = await client.call("everything_trigger-elicitation-request")
    assert me.name in filled.text, filled.text

    # Two of the servers have the same documents.
    document = next(uri for uri in await client.resources() if uri.endswith("/features.md"))
    assert "# Everything Server" in await client.read(document)
    assert CITY in await client.prompt("everything_args-prompt", city=CITY)
    same("the sum", (await client.call("remote_get-sum", a=2, b=3)).text, "The sum of 2 and 3 is 5.")


async def files(client: Client, me: Tenant, other: Tenant) -> None:
    mine, theirs = f"{me.directory}/note.txt", f"{other.directory}/note.txt"
    await client.call("filesystem_write_file", path=mine, content=f"by {me.name}\n")
    same("the file", (await client.call("filesystem_read_text_file", path=mine)).text, f"by {me.name}\n")
    same("the file on the disk", Path(mine).read_text(), f"by {me.name}\n")
    allowed = (await client.call("filesystem_list_allowed_directories")).text.split("\n")[1:]
    same("the directories", allowed, [me.directory])
    refused = await client.call("filesystem_read_text_file", path=theirs)
    assert refused.failed and "Access denied" in refused.text, refused


async def history(client: Client, me: Tenant, other: Tenant) -> None:
    mine, theirs = f"{me.directory}/repository", f"{other.directory}/repository"
    assert f"begun by {me.name}" in (await client.call("git_git_log", repo_path=mine)).text
    refused = await client.call("git_git_log", repo_path=theirs)
    assert refused.failed and "outside" in refused.text, refused


async def clock_and_page(client: Client, meeting: Meeting) -> None:
    time = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
    converted = await client.call("time_convert_time", **time)
    assert "T21:00:00+09:00" in converted.text, converted.text
    same("the difference", converted.structured["time_difference"], "+9.0h")
    # As it is: what makes Markdown of pages would be installed at the first one.
    fetched = await client.call("fetch_fetch", url=meeting.page, raw=True)
    assert "Boats come and go." in fetched.text, fetched.text


async def remembered(client: Client, me: Tenant, other: Tenant, meeting: Meeting) -> None:
    entity = {"name": f"{me.name} {meeting.run}", "entityType": "tenant", "observations": [me.secret]}
    await client.call("memory_create_entities", entities=[entity])
    await meeting.both.wait()
    graph = await client.call("memory_read_graph")
    names = {entity["name"] for entity in graph.structured["entities"]}
    assert entity["name"] in names, f"forgotten: {names}"
    assert all(name.startswith(me.name) for name in names), f"of another tenant: {names}"
    assert other.secret not in graph.text, "another tenant's memory"


def tell(connect: Callable[[str, Tenant], AbstractAsyncContextManager[Client]]) -> None:
    """Plays the story with what is on standard input: the gateway's URL, the tenants, and a page to fetch."""
    told = json.load(sys.stdin)
    tenants = [Tenant(**tenant) for tenant in told["tenants"]]

    async def story() -> None:
        await play(lambda tenant: connect(told["url"], tenant), tenants, Meeting(told["run"], told["page"]))

    end_with(story())
