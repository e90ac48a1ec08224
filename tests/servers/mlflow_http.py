"""The MLflow MCP server over Streamable HTTP on a free port, which it prints once it is bound. The server has
no option for it, but the library that it is made with serves it.
"""

import socket

import anyio
import uvicorn
from mlflow_mcp.server import mcp


async def serve() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        configuration = uvicorn.Config(mcp.streamable_http_app(), log_level="warning")
        await uvicorn.Server(configuration).serve([listener])


anyio.run(serve)
