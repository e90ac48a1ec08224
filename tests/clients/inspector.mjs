// The MCP inspector's command line. Every step is a command, and so a session, of its own: it has no progress
// and no cancellation. A task's "mode" is what it calls the protocol's era: "legacy", "auto" or "modern".
// Otherwise as mcp1.py; an error that it tells instead of a result has a word for a code.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { require, task } from "./steps.mjs";

const PROGRAM = require.resolve("@modelcontextprotocol/inspector/package.json").replace(
  "package.json",
  "clients/launcher/build/index.js",
);

// Exit statuses of the command: done, and the tool says that it failed.
const DONE = 0;
const FAILED = 5;

// In a file, since what follows a command on the command line is read as the inspector's own options.
const directory = mkdtempSync(join(tmpdir(), "inspector-"));
const CONFIGURATION = join(directory, "mcp.json");

function configure() {
  const [command, ...parameters] = task.command ?? [];
  const server = task.url
    ? { type: "streamable-http", url: task.url }
    : { type: "stdio", command, args: parameters, env: process.env };
  writeFileSync(CONFIGURATION, JSON.stringify({ mcpServers: { server } }));
}

function run(...parameters) {
  const era = task.mode ? ["--protocol-era", task.mode] : [];
  const target = ["--config", CONFIGURATION, "--server", "server"];
  const command = [PROGRAM, "--cli", ...target, "--quiet", ...era, ...parameters];
  const ended = spawnSync(process.execPath, command, { encoding: "utf8" });
  const output = ended.stdout.trim() || ended.stderr.trim().split("\n").at(-1);
  try {
    return { status: ended.status, output: JSON.parse(output) };
  } catch {
    throw new Error(`the inspector ended with ${ended.status}: ${ended.stdout}${ended.stderr}`);
  }
}

function list(kind) {
  const { status, output } = run("--method", `${kind}/list`);
  if (status !== DONE) throw new Error(JSON.stringify(output));
  return output[kind].map((entry) => entry.name);
}

function call(name, parameters) {
  const { status, output } = run(
    ...["--method", "tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(parameters)],
  );
  if (output.error) return { code: output.error.code, message: output.error.message };
  if (![DONE, FAILED].includes(status)) throw new Error(`status ${status}: ${JSON.stringify(output)}`);
  const text = output.content.filter((part) => part.type === "text").map((part) => part.text);
  const seen = { is_error: status === FAILED, text: text.join("\n") };
  if (output.structuredContent !== undefined) seen.structured = output.structuredContent;
  return seen;
}

function take(step) {
  if (step.list) return list(step.list);
  if (step.call) return call(step.call, step.arguments);
  throw new Error(`not a step: ${JSON.stringify(step)}`);
}

configure();
try {
  console.log(JSON.stringify(task.steps.map(take)));
} finally {
  rmSync(directory, { recursive: true });
}
