// A client of the official TypeScript SDK, version 1. Otherwise as mcp1.py.

import { command, converse, require, task } from "./steps.mjs";

const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");

const transport = task.url
  ? new StreamableHTTPClientTransport(new URL(task.url))
  : new StdioClientTransport(command());

// The SDK keeps the revision to itself, but tells the transport that it connects.
let revision;
const tell = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (version) => {
  revision = version;
  tell?.(version);
};

const client = new Client({ name: "bartizan-tests", version: "1" });
await client.connect(transport);
await converse(
  client,
  () => revision,
  (parameters, options) => client.callTool(parameters, undefined, options),
);
