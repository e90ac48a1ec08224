"""A client of the official Python SDK, mcp 1: mcp1.py '{"command": [...] or "url": ..., "steps": [...]}'

Prints a JSON list with what each step showed:

| step | what it shows |
|---|---|
| {"tell": "revision"} | the revision that the two sides agreed on |
| {"list": "tools"}, {"list": "prompts"} | the names |
| {"call": NAME, "arguments": {...}} | {"is_error", "text"}, with "structured" and "progress" where there was some; or {"code", "message"} |
| {"cancel": NAME, "arguments": {...}} | {"cancelled": true}: it called the tool, saw progress, and cancelled |

A call may have a "meanwhile", {"progress": NUMBER, "call": NAME, "arguments": {...}}: once it has seen that
much progress, it makes another call while the first one goes on.

All clients here take these steps and show the same.
"""

import json
import os
import sys
from contextlib import asynccontextmanager
from datetime import timedelta

import anyio
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client
from mcp.types import CancelledNotification, CancelledNotificationParams, ClientNotification

TIME_TO_ANSWER = timedelta(seconds=90)


@asynccontextmanager
async def connect(task: dict):
    if "url" in task:
        async with streamablehttp_client(task["url"]) as (read, write, _):
            yield read, write
    else:
        program, *arguments = task["command"]
        # The SDK hands a server only a few variables of its own accord.
        server = StdioServerParameters(command=program, args=arguments, env=dict(os.environ))
        async with stdio_client(server) as (read, write):
            yield read, write


async def call(session: ClientSession, name: str, arguments: dict, meanwhile: dict | None) -> dict:
    progress = []

    async def note(value: float, total: float | None, message: str | None) -> None:
        progress.append(value)
        if meanwhile and value == meanwhile["progress"]:
            group.start_soon(session.call_tool, meanwhile["call"], meanwhile["arguments"])

    async with anyio.create_task_group() as group:
        try:
            result = await session.call_tool(name, arguments, progress_callback=note)
        except McpError as error:
            return {"code": error.error.code, "message": error.error.message}
    text = "\n".join(part.text for part in result.content if part.type == "text")
    seen = {"is_error": bool(result.isError), "text": text}
    if result.structuredContent is not None:
        seen["structured"] = result.structuredContent
    if progress:
        seen["progress"] = progress
    return seen


async def cancel(session: ClientSession, name: str, arguments: dict) -> dict:
    # This SDK tells the server nothing when a call is abandoned, and the number of a request nobody: it is
    # the next one.
    request = session._request_id
    with anyio.CancelScope() as scope:

        async def stop(value: float, total: float | None, message: str | None) -> None:
            scope.cancel()

        await session.call_tool(name, arguments, progress_callback=stop)
    params = CancelledNotificationParams(requestId=request, reason="enough")
    notification = CancelledNotification(method="notifications/cancelled", params=params)
    await session.send_notification(ClientNotification(notification))
    return {"cancelled": scope.cancelled_caught}


async def take(session: ClientSession, step: dict, revision: str) -> object:
    match step:
        case {"tell": "revision"}:
            return revision
        case {"list": "tools"}:
            return [tool.name for tool in (await session.list_tools()).tools]
        case {"list": "prompts"}:
            return [prompt.name for prompt in (await session.list_prompts()).prompts]
        case {"call": name, "arguments": arguments}:
            return await call(session, name, arguments, step.get("meanwhile"))
        case {"cancel": name, "arguments": arguments}:
            return await cancel(session, name, arguments)
        case _:
            raise ValueError(f"not a step: {step}")


async def main() -> None:
    task = json.loads(sys.argv[1])
    async with connect(task) as (read, write):
        async with ClientSession(read, write, TIME_TO_ANSWER) as session:
            revision = str((await session.initialize()).protocolVersion)
            seen = [await take(session, step, revision) for step in task["steps"]]
    print(json.dumps(seen))


anyio.run(main)
