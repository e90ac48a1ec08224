// Refuses changes between two days, except for those who may make them.
import * as call from "bartizan:policy/call@0.1.0";
import type { Calls } from "bartizan:policy/calls@0.1.0";
import type { Plugin } from "bartizan:policy/plugin@0.1.0";

import { deny, description, pass } from "../sdk/bartizan.js";

interface Settings {
  /** Milliseconds since 1970. */
  from: number;
  until: number;
  untilText: string;
  except: string[];
}

const KEYS = ["from", "until", "except"];

/** What `configure` leaves. Every evaluation starts from it. */
let settings: Settings;

export const plugin: Plugin = {
  describe() {
    return description({
      name: "change-freeze",
      version: "0.1.0",
      summary: "Refuses changes between two days.",
      settingsSchema: {
        type: "object",
        additionalProperties: false,
        properties: {
          from: { type: "string", format: "date", description: "The first day of the freeze, in UTC. Without it the freeze has begun." },
          until: { type: "string", format: "date", description: "The first day after it. Without it the freeze has no end." },
          except: {
            type: "array",
            items: { type: "string" },
            description: "Principals who may change things all the same.",
          },
        },
      },
    });
  },

  // What is thrown refuses the settings, and must be a text.
  configure(text) {
    const given: unknown = JSON.parse(text);
    if (!isObject(given)) {
      throw "the settings must be an object with `from` and `until`";
    }
    const unknown = Object.keys(given).find((key) => !KEYS.includes(key));
    if (unknown !== undefined) {
      throw `unknown key \`${unknown}\`; the keys are \`from\`, \`until\` and \`except\``;
    }
    const from = day(given, "from", "1970-01-01");
    const until = day(given, "until", "9999-12-31");
    if (from.time >= until.time) {
      throw "`until` must be after `from`: it is the first day that is free again";
    }
    const except = given["except"] === undefined ? [] : given["except"];
    if (!Array.isArray(except) || !except.every((name) => typeof name === "string")) {
      throw '`except` must be a list of principals such as `["release-bot"]`';
    }
    settings = { from: from.time, until: until.time, untilText: until.text, except };
  },
};

export const calls: Calls = {
  check() {
    const now = call.time();
    if (now < settings.from || now >= settings.until || isExcepted() || isReadOnly()) {
      return pass();
    }
    return deny(`Changes are frozen until ${settings.untilText}.`, { rule: "freeze" });
  },
};

function day(given: Record<string, unknown>, key: string, otherwise: string): { text: string; time: number } {
  const text = given[key] === undefined ? otherwise : given[key];
  const parts = typeof text === "string" ? /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) : null;
  if (parts !== null) {
    const [year, month, date] = parts.slice(1).map(Number) as [number, number, number];
    const time = Date.UTC(year, month - 1, date);
    // The 30th of February would be a day of March.
    if (new Date(time).toISOString().slice(0, 10) === parts[0]) {
      return { text: parts[0], time };
    }
  }
  throw `\`${key}\` must be a day such as \`2026-12-20\``;
}

function isExcepted(): boolean {
  const principal = call.principal();
  return principal != null && settings.except.includes(principal);
}

/** Whether the server says that the tool changes nothing. */
function isReadOnly(): boolean {
  const tool = call.tool();
  if (tool == null) {
    return false;
  }
  const definition: { annotations?: { readOnlyHint?: unknown } } = JSON.parse(tool.definition);
  return definition.annotations?.readOnlyHint === true;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
