"""Starts servers for the checks of the gateway, and asks Sessile for what they need. Only the standard library."""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator


class Wrong(Exception):
    """What is wrong, for whoever reads the output."""


@contextmanager
def process(command: list[str], log: Path, *, cwd: Path | None = None, **environment: str) -> Iterator[str]:
    """Starts a server, gives the address that it prints, and stops it in the end."""
    name = Path(command[0]).name
    with log.open("wb") as errors:
        child = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=errors
        )
    try:
        ready, _, _ = select.select([child.stdout], [], [], 30)
        line = child.stdout.readline().decode().strip() if ready else ""
        if not re.search(r" (http|ws)://\S+$", line):
            raise Wrong(f"{name} did not say where it listens: {line!r}; see {log}")
        yield line.split()[-1]
    finally:
        # However the checks went, it is told to end, so that it can end what it has started.
        child.send_signal(signal.SIGTERM)
        try:
            status = child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            raise Wrong(f"{name} did not end when it was told to; see {log}") from None
    # Only Sessile has promised to end cleanly.
    if name == "sessile" and status:
        raise Wrong(f"{name} ended with {status}; see {log}")


@dataclass
class Gateway:
    """A server that runs."""

    base: str
    directory: Path
    log: Path

    @property
    def websocket(self) -> str:
        return re.sub("^http", "ws", self.base) + "/mcp"


@contextmanager
def gateway(binary: Path, configuration: str, log: Path, **environment: str) -> Iterator[Gateway]:
    """Sessile with this sessile.toml, in a directory of its own, with an empty database."""
    scratch = Path(tempfile.mkdtemp())
    (scratch / "sessile.toml").write_text(configuration)
    command = [str(binary), "serve", "--listen", "127.0.0.1:0", "--database-url", "sqlite:sessile.db"]
    try:
        with process(command, log, cwd=scratch, **environment) as url:
            yield Gateway(re.sub(r"^ws(.*)/mcp$", r"http\1", url), scratch, log)
    finally:
        shutil.rmtree(scratch)


def sign_up(base: str, email: str, password: str, tenant: str) -> dict:
    """Signs somebody up as the owner of a new tenant, and gives what that is answered with."""
    return post(f"{base}/auth/sign-up", {"email": email, "password": password, "tenant_name": tenant})


def call(base: str, token: str, tool: str, **arguments: Any) -> dict:
    """What a tool answers with, called over HTTP with a token."""
    params = {"name": tool, "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    answer = post(f"{base}/mcp", message, Authorization=f"Bearer {token}")
    result = answer.get("result", {})
    if "structuredContent" not in result or result.get("isError"):
        raise Wrong(f"{tool} answered with {answer}")
    return result["structuredContent"]


def api_key(base: str, token: str) -> str:
    return call(base, token, "auth_create_api_key", name="a check of the gateway")["key"]


def post(url: str, body: dict, **headers: str) -> dict:
    accept = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    request = urllib.request.Request(url, json.dumps(body).encode(), {**accept, **headers})
    with urllib.request.urlopen(request, timeout=30) as response:
        text = response.read().decode()
    if data := re.findall(r"^data: (.+)$", text, re.M):
        text = data[-1]
    return json.loads(text)


def processes(wanted: Callable[[Path], bool]) -> list[str]:
    """The command lines of the processes, given as their directories in /proc, that are wanted."""
    found = []
    for directory in Path("/proc").iterdir():
        try:
            if directory.name.isdigit() and wanted(directory):
                words = (directory / "cmdline").read_bytes().split(b"\0")
                found.append(f"{directory.name}: {b' '.join(words).decode(errors='replace').strip()}")
        except OSError:
            # It has ended meanwhile.
            continue
    return found


def none_left(wanted: Callable[[Path], bool], when: str) -> None:
    """Waits until no such process runs any more."""
    deadline = time.monotonic() + 10
    while left := processes(wanted):
        if time.monotonic() > deadline:
            raise Wrong(f"{when}, these still run: {'; '.join(left)}")
        time.sleep(0.05)


def holds_none(file: Path, secrets: list[str]) -> None:
    """Expects that none of these is in a file."""
    content = file.read_bytes()
    if any(secret.encode() in content for secret in secrets):
        raise Wrong(f"{file} holds a secret")
