// Refuses changes between two days, except for those who may make them.
// @ts-check
import * as call from "bartizan:policy/call@0.1.0";

import { deny, description, pass } from "../sdk/bartizan.js";

const KEYS = ["from", "until", "except"];

/**
 * What `configure` leaves. Every evaluation starts from it.
 * @type {{ from: number, until: number, untilText: string, except: string[] }}
 */
let settings;

/** @type {import("bartizan:policy/plugin@0.1.0").Plugin} */
export const plugin = {
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
    const given = JSON.parse(text);
    if (given === null || typeof given !== "object" || Array.isArray(given)) {
      throw "the settings must be an object with `from` and `until`";
    }
    const unknown = Object.keys(given).find((key) => !KEYS.includes(key));
    if (unknown !== undefined) {
      throw `unknown key \`${unknown}\`; the keys are \`from\`, \`until\` and \`except\``;
    }
    const from = day(given, "from", "1970-01-01");
    const until = day(given, "until", "9999-12-31");
    if (from >= until) {
      throw "`until` must be after `from`: it is the first day that is free again";
    }
    const except = given.except === undefined ? [] : given.except;
    if (!Array.isArray(except) || !except.every((name) => typeof name === "string")) {
      throw '`except` must be a list of principals such as `["release-bot"]`';
    }
    settings = { from, until, untilText: given.until ?? "9999-12-31", except };
  },
};

/** @type {import("bartizan:policy/calls@0.1.0").Calls} */
export const calls = {
  check() {
    const now = call.time();
    if (now < settings.from || now >= settings.until || isExcepted() || isReadOnly()) {
      return pass();
    }
    return deny(`Changes are frozen until ${settings.untilText}.`, { rule: "freeze" });
  },
};

/**
 * Milliseconds from 1970 to the day that a setting names.
 * @param {Record<string, unknown>} given
 * @param {string} key
 * @param {string} otherwise the day if the setting is not there
 */
function day(given, key, otherwise) {
  const text = given[key] === undefined ? otherwise : given[key];
  const parts = typeof text === "string" ? /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) : null;
  if (parts !== null) {
    const [year, month, date] = parts.slice(1).map(Number);
    const time = Date.UTC(year ?? NaN, (month ?? NaN) - 1, date);
    // The 30th of February would be a day of March.
    if (new Date(time).toISOString().slice(0, 10) === text) {
      return time;
    }
  }
  throw `\`${key}\` must be a day such as \`2026-12-20\``;
}

function isExcepted() {
  const principal = call.principal();
  return principal != null && settings.except.includes(principal);
}

/** Whether the server says that the tool changes nothing. */
function isReadOnly() {
  const tool = call.tool();
  return tool != null && JSON.parse(tool.definition).annotations?.readOnlyHint === true;
}
