"""An MCP server on the official Python SDK, mcp 2, which speaks both eras: workshop.py [--http] NOTES

On its pipes, or with --http over Streamable HTTP on a free port, which it prints once it is bound. What its
tools do they note in the file NOTES, a line each, so that a test can tell what was carried out from what was
only answered.

| tool | what a call does |
|---|---|
| quick | tells its text |
| measure | answers with structured content, as its output schema says |
| slow | tells of its progress, step by step, then waits for `proceed` |
| proceed | lets `slow` come to its end |
| wait | tells of its progress once, then waits to be cancelled |
| outcome | tells how a `wait` ended, once it has |
| stamp, erase, secret, unlisted | note that they were carried out; `erase` has an output schema |
"""

import socket
import sys
from collections import defaultdict
from pathlib import Path

import anyio
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ToolAnnotations
from pydantic import BaseModel

# How long a tool waits for what a client has to do first.
PATIENCE = 20.0

*OPTIONS, NOTES = sys.argv[1:]

READS = ToolAnnotations(read_only_hint=True)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False)
DESTROYS = ToolAnnotations(read_only_hint=False, destructive_hint=True)

server = MCPServer("workshop", version="1", log_level="WARNING")
proceeding: dict[str, anyio.Event] = defaultdict(anyio.Event)
cancelled: dict[str, anyio.Event] = defaultdict(anyio.Event)


class Measure(BaseModel):
    length: int
    text: str


class Erased(BaseModel):
    erased: str


def note(line: str) -> None:
    with Path(NOTES).open("a") as file:
        print(line, file=file)


@server.tool(annotations=READS, structured_output=False)
async def quick(text: str) -> str:
    return f"quick: {text}"


@server.tool(annotations=READS)
async def measure(text: str) -> Measure:
    return Measure(length=len(text), text=text)


@server.tool(annotations=READS, structured_output=False)
async def slow(key: str, steps: int, ctx: Context) -> str:
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps, f"step {step}")
    with anyio.fail_after(PATIENCE):
        await proceeding[key].wait()
    return f"slow: {steps} steps"


@server.tool(annotations=READS, structured_output=False)
async def proceed(key: str) -> str:
    proceeding[key].set()
    return "proceeding"


@server.tool(annotations=READS, structured_output=False)
async def wait(key: str, ctx: Context) -> str:
    note(f"wait {key}")
    try:
        await ctx.report_progress(1, 2, "waiting")
        await anyio.sleep_forever()
    except anyio.get_cancelled_exc_class():
        note(f"cancelled {key}")
        cancelled[key].set()
        raise


@server.tool(annotations=READS, structured_output=False)
async def outcome(key: str) -> str:
    with anyio.fail_after(PATIENCE):
        await cancelled[key].wait()
    return f"cancelled: {key}"


@server.tool(annotations=WRITES, structured_output=False)
async def stamp(key: str) -> str:
    note(f"stamp {key}")
    return f"stamped: {key}"


@server.tool(annotations=DESTROYS)
async def erase(key: str) -> Erased:
    note(f"erase {key}")
    return Erased(erased=key)


@server.tool(annotations=DESTROYS, structured_output=False)
async def secret(key: str) -> str:
    note(f"secret {key}")
    return f"secret: {key}"


@server.tool(annotations=DESTROYS, structured_output=False)
async def unlisted(key: str) -> str:
    note(f"unlisted {key}")
    return f"unlisted: {key}"


async def serve() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        configuration = uvicorn.Config(server.streamable_http_app(), log_level="warning")
        await uvicorn.Server(configuration).serve([listener])


if OPTIONS == ["--http"]:
    anyio.run(serve)
else:
    server.run()
