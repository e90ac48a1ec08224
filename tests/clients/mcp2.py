"""A client of the official Python SDK, mcp 2, in its default mode: it asks for the newest revision and
falls back to a handshake. Otherwise as mcp1.py.
"""

import json
import os
import sys

import anyio
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters

TIME_TO_ANSWER = 90.0


def server(task: dict) -> str | StdioServerParameters:
    if "url" in task:
        return task["url"]
    program, *arguments = task["command"]
    # The SDK hands a server only a few variables of its own accord.
    return StdioServerParameters(command=program, args=arguments, env=dict(os.environ))


async def take(client: Client, step: dict) -> object:
    match step:
        case {"list": "tools"}:
            return [tool.name for tool in (await client.list_tools()).tools]
        case {"list": "prompts"}:
            return [prompt.name for prompt in (await client.list_prompts()).prompts]
        case {"call": name, "arguments": arguments}:
            try:
                result = await client.call_tool(name, arguments)
            except MCPError as error:
                return {"code": error.error.code, "message": error.error.message}
            text = "\n".join(part.text for part in result.content if part.type == "text")
            return {"is_error": bool(result.is_error), "text": text}
        case _:
            raise ValueError(f"not a step: {step}")


async def main() -> None:
    task = json.loads(sys.argv[1])
    async with Client(server(task), read_timeout_seconds=TIME_TO_ANSWER) as client:
        seen = [await take(client, step) for step in task["steps"]]
    print(json.dumps(seen))


anyio.run(main)
