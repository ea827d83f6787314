#!/usr/bin/env python3
"""An MCP server on standard input and output that behaves badly when it is told to. Python 3, nothing else.

It speaks the legacy era (`initialize`, up to 2025-11-25): `ping`, `tools/list`, `tools/call`. It has one thread,
and goes on with other messages while a call of `hang` or `ask` is open.

    nasty.py [--ignore-sigterm] [--silent-start] [--die-at-start] [--slow-list]

    --ignore-sigterm  only a SIGKILL ends it; it stays when its standard input is closed, too
    --silent-start    never answers `initialize`
    --slow-list       answers `tools/list` after two seconds
    --die-at-start    says why on standard error, and exits with status 3 before it reads anything

Tools, with their arguments and what is taken for those left out. Each answers with one text.

    echo {text: ""}                     the text
    counter {}                          how often it was called in this process: 1, 2, …
    pid {}                              {"pid": …, "pgid": …} as JSON
    env {name: null}                    that variable, or nothing; the whole environment as JSON without a name
    die {status: 1, signal: 0, say: ""} no answer: exits, or kills itself, after a last line on standard error
    hang {}                             no answer, ever
    cancelled {}                        the `reason` of each `notifications/cancelled` that came, as a JSON list
    deaf {}                             answers, and never reads again
    garbage {}                          lines that are no messages (blank, no JSON, no UTF-8, half a message), then answers
    twice {}                            answers two times: "first", "second"
    unknown_id {}                       answers a request that nobody sent, then its own
    flood_stdout {count: 20000}         so many `notifications/message` before it answers; 0: for ever, after it answered
    flood_stderr {count: 20000}         so many lines on standard error before it answers; 0: for ever, after it answered
    huge {bytes: 1048576, last: false}  a text of so many bytes; `last`: its id comes after its result
    fork {quiet: false, leave: false}   starts a process in its group that ignores SIGTERM and sleeps; answers its pid.
                                        `quiet`: without this one's pipes. `leave`: exits right after it answered
    ask {kind: "elicitation", times: 1} asks the client during the call (or "sampling", "roots"), so often and one after
                                        the other, and answers with what the client answered last, as JSON
    progress {count: 5}                 so many `notifications/progress` (1, 2, …), in order, and then "done"
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]
TOOLS = re.findall(r"^    (\w+) \{", __doc__, re.MULTILINE)

lock = threading.Lock()
count = 0
cancelled = []
asked = {}


def write(raw):
    with lock:
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()


def send(message):
    write(json.dumps(message).encode() + b"\n")


def notify(method, params):
    send({"jsonrpc": "2.0", "method": method, "params": params})


def result(id, value):
    send({"jsonrpc": "2.0", "id": id, "result": value})


def text(id, value):
    result(id, {"content": [{"type": "text", "text": value}]})


def error(id, code, message):
    send({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})


def flood(target, how_many):
    def lines():
        number = 0
        while how_many == 0 or number < how_many:
            number += 1
            yield number

    def stdout():
        for number in lines():
            notify("notifications/message", {"level": "info", "data": f"flood {number}"})

    def stderr():
        for number in lines():
            sys.stderr.write(f"flood {number}\n")

    work = stdout if target == "stdout" else stderr
    if how_many == 0:
        threading.Thread(target=work, daemon=True).start()
    else:
        work()


SLEEPER = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(int(sys.argv[1]), b".")
os.close(int(sys.argv[1]))
time.sleep(3600)
"""


def sleeper(quiet):
    pipe = subprocess.DEVNULL if quiet else None
    ready, told = os.pipe()
    command = [sys.executable, "-c", SLEEPER, str(told)]
    child = subprocess.Popen(command, pass_fds=[told], stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    os.close(told)
    os.read(ready, 1)
    os.close(ready)
    return child.pid


def ask(id, kind, times):
    number = f"ask-{id}-{times}"
    asked[number] = (id, kind, times - 1)
    method, params = {
        "elicitation": (
            "elicitation/create",
            {
                "message": "What is your name?",
                "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}},
            },
        ),
        "sampling": (
            "sampling/createMessage",
            {"messages": [{"role": "user", "content": {"type": "text", "text": "Hello"}}], "maxTokens": 10},
        ),
        "roots": ("roots/list", {}),
    }[kind]
    send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def call(id, name, arguments, meta):
    global count
    get = arguments.get
    if name == "echo":
        text(id, get("text", ""))
    elif name == "counter":
        count += 1
        text(id, str(count))
    elif name == "pid":
        text(id, json.dumps({"pid": os.getpid(), "pgid": os.getpgrp()}))
    elif name == "env":
        wanted = get("name")
        text(id, os.environ.get(wanted, "") if wanted else json.dumps(dict(os.environ)))
    elif name == "die":
        if get("say"):
            sys.stderr.write(get("say") + "\n")
            sys.stderr.flush()
        if get("signal", 0):
            os.kill(os.getpid(), get("signal"))
            time.sleep(3600)
        os._exit(get("status", 1))
    elif name == "hang":
        pass
    elif name == "cancelled":
        text(id, json.dumps(cancelled))
    elif name == "deaf":
        text(id, "deaf")
        while True:
            time.sleep(3600)
    elif name == "garbage":
        write(b"\n   \nnot json\n{\"jsonrpc\": \"2.0\", \"id\":\n\xff\xfe\xfd\n\x1b[31mred\x1b[0m\n[1, 2\n}\n")
        text(id, "after the garbage")
    elif name == "twice":
        text(id, "first")
        text(id, "second")
    elif name == "unknown_id":
        text(987654321, "nobody asked")
        text(id, "asked")
    elif name in ("flood_stdout", "flood_stderr"):
        how_many = get("count", 20000)
        if how_many:
            flood(name[6:], how_many)
            text(id, "flooded")
        else:
            text(id, "flooding")
            flood(name[6:], 0)
    elif name == "huge":
        content = {"content": [{"type": "text", "text": "x" * get("bytes", 1 << 20)}]}
        if get("last"):
            send({"result": content, "jsonrpc": "2.0", "id": id})
        else:
            result(id, content)
    elif name == "fork":
        text(id, str(sleeper(get("quiet", False))))
        if get("leave"):
            os._exit(0)
    elif name == "ask":
        ask(id, get("kind", "elicitation"), get("times", 1))
    elif name == "progress":
        token, how_many = meta.get("progressToken"), get("count", 5)
        for number in range(1, how_many + 1):
            if token is not None:
                params = {"progressToken": token, "progress": number, "total": how_many}
                notify("notifications/progress", params)
        text(id, "done")
    else:
        error(id, -32602, f"Unknown tool: {name}")


def receive(message):
    id, method, params = message.get("id"), message.get("method"), message.get("params") or {}
    if method is None:
        if id in asked:
            of, kind, more = asked.pop(id)
            if more:
                ask(of, kind, more)
            else:
                text(of, json.dumps(message.get("result", message.get("error"))))
    elif id is None:
        if method == "notifications/cancelled":
            cancelled.append(params.get("reason"))
    elif method == "initialize":
        if "--silent-start" in sys.argv:
            return
        wanted = params.get("protocolVersion")
        version = wanted if wanted in VERSIONS else VERSIONS[0]
        info = {"name": "nasty", "version": "1.0.0"}
        capabilities = {"tools": {}, "logging": {}}
        result(id, {"protocolVersion": version, "capabilities": capabilities, "serverInfo": info})
    elif method == "ping":
        result(id, {})
    elif method == "tools/list":
        if "--slow-list" in sys.argv:
            time.sleep(2)
        schema = {"type": "object"}
        result(id, {"tools": [{"name": name, "description": name, "inputSchema": schema} for name in TOOLS]})
    elif method == "tools/call":
        call(id, params.get("name"), params.get("arguments") or {}, params.get("_meta") or {})
    else:
        error(id, -32601, f"Method not found: {method}")


def main():
    if "--die-at-start" in sys.argv:
        sys.stderr.write("nasty: it was told to die at start\n")
        sys.exit(3)
    if "--ignore-sigterm" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        if line.strip():
            receive(json.loads(line))
    while "--ignore-sigterm" in sys.argv:
        time.sleep(3600)


main()
