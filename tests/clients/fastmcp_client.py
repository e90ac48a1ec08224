"""A client of FastMCP. Otherwise as mcp1.py."""

import json
import os
import sys

import anyio
from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from fastmcp.exceptions import ToolError
from mcp import MCPError

TIME_TO_ANSWER = 90.0


def transport(task: dict) -> StdioTransport | StreamableHttpTransport:
    if "url" in task:
        return StreamableHttpTransport(task["url"])
    program, *arguments = task["command"]
    return StdioTransport(command=program, args=arguments, env=dict(os.environ), keep_alive=False)


async def call(client: Client, name: str, arguments: dict, meanwhile: dict | None) -> dict:
    progress = []

    async def note(value: float, total: float | None, message: str | None) -> None:
        progress.append(value)
        if meanwhile and value == meanwhile["progress"]:
            group.start_soon(client.call_tool, meanwhile["call"], meanwhile["arguments"])

    async with anyio.create_task_group() as group:
        try:
            result = await client.call_tool(name, arguments, progress_handler=note)
        except ToolError as error:
            return {"is_error": True, "text": str(error)}
        except MCPError as error:
            return {"code": error.error.code, "message": error.error.message}
    text = "\n".join(part.text for part in result.content if part.type == "text")
    seen = {"is_error": bool(result.is_error), "text": text}
    if result.structured_content is not None:
        seen["structured"] = result.structured_content
    if progress:
        seen["progress"] = progress
    return seen


async def cancel(client: Client, name: str, arguments: dict) -> dict:
    with anyio.CancelScope() as scope:

        async def stop(value: float, total: float | None, message: str | None) -> None:
            scope.cancel()

        await client.call_tool(name, arguments, progress_handler=stop)
    return {"cancelled": scope.cancelled_caught}


async def take(client: Client, step: dict) -> object:
    match step:
        case {"tell": "revision"}:
            return client.session.protocol_version
        case {"list": "tools"}:
            return [tool.name for tool in await client.list_tools()]
        case {"list": "prompts"}:
            return [prompt.name for prompt in await client.list_prompts()]
        case {"call": name, "arguments": arguments}:
            return await call(client, name, arguments, step.get("meanwhile"))
        case {"cancel": name, "arguments": arguments}:
            return await cancel(client, name, arguments)
        case _:
            raise ValueError(f"not a step: {step}")


async def main() -> None:
    task = json.loads(sys.argv[1])
    async with Client(transport(task), timeout=TIME_TO_ANSWER) as client:
        seen = [await take(client, step) for step in task["steps"]]
    print(json.dumps(seen))


anyio.run(main)
