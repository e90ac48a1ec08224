"""A client of the official Python SDK, mcp 1: mcp1.py '{"command": [...] or "url": ..., "steps": [...]}'

A step is {"list": "tools"}, {"list": "prompts"} or {"call": NAME, "arguments": {...}}. Prints a JSON list
with what each step showed: the names, or {"is_error", "text"}, or {"code", "message"}.
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


async def take(session: ClientSession, step: dict) -> object:
    match step:
        case {"list": "tools"}:
            return [tool.name for tool in (await session.list_tools()).tools]
        case {"list": "prompts"}:
            return [prompt.name for prompt in (await session.list_prompts()).prompts]
        case {"call": name, "arguments": arguments}:
            try:
                result = await session.call_tool(name, arguments)
            except McpError as error:
                return {"code": error.error.code, "message": error.error.message}
            text = "\n".join(part.text for part in result.content if part.type == "text")
            return {"is_error": bool(result.isError), "text": text}
        case _:
            raise ValueError(f"not a step: {step}")


async def main() -> None:
    task = json.loads(sys.argv[1])
    async with connect(task) as (read, write):
        async with ClientSession(read, write, TIME_TO_ANSWER) as session:
            await session.initialize()
            seen = [await take(session, step) for step in task["steps"]]
    print(json.dumps(seen))


anyio.run(main)
