"""The story that a client plays over HTTP: sign in by a tool, and send the token from then on.

A connection that holds no socket has to bring its proof with each request. Ann signs up, works with the
token that she was given, makes an API key for a script, and signs out; Eve, of another company, sees none of
it. This file knows no client: it is given a way to connect, and says what has to be seen through it.
"""

import argparse
import asyncio
import json
import uuid
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Callable, Protocol

from story import Refused, contact_ids, end_with, no_tool_takes_a_token, refused, same, say


class Client(Protocol):
    """One client, with one credential or none."""

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]: ...

    async def tools(self) -> list[dict[str, Any]]: ...

    async def read(self, uri: str) -> str: ...

    def changes_of(self, uri: str) -> AbstractAsyncContextManager[Callable[[], Any]] | None:
        """Subscribes, and gives a function that waits for the next change; none where the client cannot."""


# Connects with a bearer token, or without one.
Connect = Callable[[str | None], AbstractAsyncContextManager[Client]]


async def play(connect: Connect) -> None:
    run = uuid.uuid4().hex
    password = f"a long one, {run}"
    person = {"email": f"ann-{run}@harbour.example", "password": password}

    async with connect(None) as stranger:
        await refused("not_signed_in", stranger.call("crm_contact_list"))
        signed_up = await stranger.call("auth_sign_up", **person, tenant_name="Harbour")
        await refused("not_signed_in", stranger.call("crm_contact_list"))
        other = {"email": f"eve-{run}@pine.example", "password": password, "tenant_name": "Pine"}
        eve_token = (await stranger.call("auth_sign_up", **other))["tokens"]["access_token"]
        again = await stranger.call("auth_sign_in", **person)
        same("the tenant signed in to", again["tenant"], signed_up["tenant"])
    say("signed up and in by a tool, and was given tokens for it")

    ann_token = signed_up["tokens"]["access_token"]
    async with connect(ann_token) as ann, connect(eve_token) as eve:
        await no_tool_takes_a_token(ann)
        mona = await ann.call("crm_contact_create", name="Mona Lund")
        uri = f"crm://contacts/{mona['id']}"
        same("the resource read", json.loads(await ann.read(uri))["id"], mona["id"])
        say("created and read a contact with the token")

        change = {"id": mona["id"], "version": mona["version"], "job_title": "Skipper"}
        watching = ann.changes_of(uri)
        if watching is None:
            await ann.call("crm_contact_update", **change)
        else:
            async with watching as changed:
                await ann.call("crm_contact_update", **change)
                async with asyncio.timeout(10):
                    same("the record that changed", await changed(), uri)
            say("was told of a change")

        same("the contacts Ann sees", await contact_ids(ann), [mona["id"]])
        same("the contacts Eve sees", await contact_ids(eve), [])
        await refused("not_found", eve.call("crm_contact_get", id=mona["id"]))
        await refused(None, eve.read(uri))
        say("showed another tenant an empty list, and not_found for the contact")

        key = await ann.call("auth_create_api_key", name="nightly export", role="viewer")
        async with connect(key["key"]) as script:
            same("the contacts the script sees", await contact_ids(script), [mona["id"]])
            await refused("not_allowed", script.call("crm_contact_create", name="Nobody"))
        await ann.call("auth_revoke_api_key", key_id=key["id"])
        await shut_out(connect, key["key"])
        say("worked with an API key of a lower role, and revoked it")

        await ann.call("auth_sign_out")
        await shut_out(connect, ann_token)
        same("the contacts Eve sees", await contact_ids(eve), [])
        say("signed out, and the token was good for nothing more")


async def shut_out(connect: Connect, token: str) -> None:
    """Expects that a token is not taken, whatever its client makes of that."""
    with suppress(Exception, BaseExceptionGroup):
        async with connect(token) as client:
            await client.call("crm_contact_list")
            raise SystemExit("  Not as expected: a token that has ended was taken")


def tell(connect: Callable[[str, str | None], AbstractAsyncContextManager[Client]], description: str) -> None:
    """Plays the story against the server of the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("url")
    url = parser.parse_args().url
    end_with(play(lambda token: connect(url, token)))


__all__ = ["Client", "Refused", "tell"]
