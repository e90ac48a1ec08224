// A client of the official TypeScript SDK, version 2. A task's "mode" is one of its modes of negotiation,
// "legacy" or "auto"; without one it is the SDK's own choice, "legacy". Otherwise as mcp1.py.

import { command, converse, require, task } from "./steps.mjs";

const { Client, StreamableHTTPClientTransport } = require("@modelcontextprotocol/client");
const { StdioClientTransport } = require("@modelcontextprotocol/client/stdio");

const transport = task.url
  ? new StreamableHTTPClientTransport(new URL(task.url))
  : new StdioClientTransport(command());

const options = task.mode ? { versionNegotiation: { mode: task.mode } } : {};
const client = new Client({ name: "bartizan-tests", version: "1" }, options);
await client.connect(transport);
await converse(
  client,
  () => client.getNegotiatedProtocolVersion(),
  (parameters, callOptions) => client.callTool(parameters, callOptions),
);
