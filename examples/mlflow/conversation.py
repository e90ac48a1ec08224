"""Hold the same conversation with the MLflow MCP server twice: directly, and through Bartizan.

    conversation.py --url URL --database FILE --experiment ID --run ID

A client of the official Python SDK lists the tools of both and then, through the gateway, makes the
calls that the policy beside this file is about. It judges nothing: every observation is printed as one
line of JSON, and whoever reads them compares.

    {"fact": "tools", "through": "direct" | "gateway", "names": [...]}
    {"fact": "call", "tool": NAME, "number": N, "is_error": bool, "text": "..."}     the result of the N-th call
    {"fact": "call", "tool": NAME, "number": N, "code": -32602, "text": "..."}       or its JSON-RPC error
    {"fact": "lifecycle", "stage": "active"}                of the run, read from the store itself
    {"fact": "broke_off", "reason": "..."}                  the conversation ended early
"""

import argparse
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from http import HTTPStatus

import anyio
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client

# A gateway that ends in the middle leaves the SDK waiting.
TIME_TO_ANSWER = timedelta(seconds=45)


def observe(fact: str, **details: object) -> None:
    print(json.dumps({"fact": fact, **details}), flush=True)


async def list_tools(session: ClientSession, through: str) -> None:
    names: list[str] = []
    cursor = None
    while True:
        page = await session.list_tools(cursor)
        names += [tool.name for tool in page.tools]
        cursor = page.nextCursor
        if cursor is None:
            break
    observe("tools", through=through, names=names)


async def call(session: ClientSession, number: int, tool: str, **arguments: object) -> None:
    try:
        result = await session.call_tool(tool, arguments)
    except McpError as error:
        if error.error.code == HTTPStatus.REQUEST_TIMEOUT:  # the SDK's own, after TIME_TO_ANSWER
            raise
        observe("call", tool=tool, number=number, code=error.error.code, text=error.error.message)
        return
    text = "\n".join(part.text for part in result.content if part.type == "text")
    observe("call", tool=tool, number=number, is_error=bool(result.isError), text=text)


def observe_lifecycle(database: str, run: str) -> None:
    query = "select lifecycle_stage from runs where run_uuid = ?"
    with closing(sqlite3.connect(database)) as connection:
        row = connection.execute(query, (run,)).fetchone()
    observe("lifecycle", stage=row[0] if row else None)


async def direct() -> None:
    # The SDK hands a server only a few variables of its own accord.
    server = StdioServerParameters(command="mlflow-mcp", env=dict(os.environ))
    with open(os.devnull, "w") as silence:
        async with stdio_client(server, errlog=silence) as (read, write):
            async with ClientSession(read, write, TIME_TO_ANSWER) as session:
                await session.initialize()
                await list_tools(session, "direct")


async def through_gateway(url: str, database: str, experiment: str, run: str) -> None:
    async with streamablehttp_client(url) as (read, write, _):
        async with ClientSession(read, write, TIME_TO_ANSWER) as session:
            await session.initialize()
            await list_tools(session, "gateway")
            await call(session, 1, "delete_run", run_id=run)
            observe_lifecycle(database, run)
            await call(session, 1, "get_run", run_id=run)
            await call(session, 1, "delete_experiment", experiment_id=experiment)
            for number in range(1, 12):
                await call(session, number, "set_run_tag", run_id=run, key="reviewed", value=str(number))


def reasons(error: BaseException) -> Iterator[str]:
    """The exceptions in a group of exceptions, as tasks that run together raise them."""
    inner = getattr(error, "exceptions", None)
    if inner is None:
        yield repr(error)
    else:
        for exception in inner:
            yield from reasons(exception)


async def main() -> None:
    parser = argparse.ArgumentParser()
    for option in ("--url", "--database", "--experiment", "--run"):
        parser.add_argument(option, required=True)
    options = parser.parse_args()
    try:
        await direct()
        await through_gateway(options.url, options.database, options.experiment, options.run)
    except Exception as error:
        observe("broke_off", reason="; ".join(reasons(error)))


if __name__ == "__main__":
    anyio.run(main)
