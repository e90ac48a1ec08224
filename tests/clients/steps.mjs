// What the clients of the two TypeScript SDKs have in common: the steps of mcp1.py, taken with a client of
// either, whose methods have the same names.
//
// The packages are in the environment that BARTIZAN_TEST_NODE_ENVIRONMENT names, since these scripts are not.

import { createRequire } from "node:module";

const TIME_TO_ANSWER = 90_000;

export const require = createRequire(`${process.env.BARTIZAN_TEST_NODE_ENVIRONMENT}/package.json`);

export const task = JSON.parse(process.argv[2]);

// The SDKs hand a server only a few variables of their own accord.
export function command() {
  const [program, ...parameters] = task.command;
  return { command: program, args: parameters, env: process.env, stderr: "inherit" };
}

// Takes the steps and prints what they showed. `revision` tells what was agreed on, and `callTool` takes what
// to call and options.
export async function converse(client, revision, callTool) {
  async function call(name, parameters, meanwhile) {
    const progress = [];
    let other;
    const onprogress = (event) => {
      progress.push(event.progress);
      if (event.progress === meanwhile?.progress)
        other = callTool({ name: meanwhile.call, arguments: meanwhile.arguments }, { timeout: TIME_TO_ANSWER });
    };
    const options = { timeout: TIME_TO_ANSWER, onprogress };
    let result;
    try {
      result = await callTool({ name, arguments: parameters }, options);
      await other;
    } catch (error) {
      if (typeof error.code !== "number") throw error;
      return { code: error.code, message: error.message };
    }
    const text = result.content.filter((part) => part.type === "text").map((part) => part.text);
    const seen = { is_error: result.isError ?? false, text: text.join("\n") };
    if (result.structuredContent !== undefined) seen.structured = result.structuredContent;
    if (progress.length > 0) seen.progress = progress;
    return seen;
  }

  async function cancel(name, parameters) {
    const controller = new AbortController();
    const options = {
      timeout: TIME_TO_ANSWER,
      signal: controller.signal,
      onprogress: () => controller.abort("enough"),
    };
    try {
      await callTool({ name, arguments: parameters }, options);
    } catch (error) {
      if (!controller.signal.aborted) throw error;
      return { cancelled: true };
    }
    return { cancelled: false };
  }

  const seen = [];
  for (const step of task.steps) {
    if (step.tell === "revision") seen.push(revision());
    else if (step.list === "tools") seen.push((await client.listTools()).tools.map((tool) => tool.name));
    else if (step.list === "prompts") seen.push((await client.listPrompts()).prompts.map((prompt) => prompt.name));
    else if (step.call) seen.push(await call(step.call, step.arguments, step.meanwhile));
    else if (step.cancel) seen.push(await cancel(step.cancel, step.arguments));
    else throw new Error(`not a step: ${JSON.stringify(step)}`);
  }
  await client.close();
  console.log(JSON.stringify(seen));
}
