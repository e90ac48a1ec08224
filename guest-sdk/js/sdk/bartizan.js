// What a policy in JavaScript or TypeScript is written with, beside the contract itself: see policy.d.ts for
// that. These fill what the contract requires and a policy seldom sets.
// @ts-check
/// <reference path="./policy.d.ts" />

/** @typedef {import("bartizan:policy/types@0.1.0").Charge} Charge */
/** @typedef {import("bartizan:policy/types@0.1.0").Decision} Decision */
/** @typedef {import("bartizan:policy/types@0.1.0").Description} Description */
/** @typedef {import("bartizan:policy/types@0.1.0").Note} Note */
/** @typedef {import("bartizan:policy/types@0.1.0").Verdict} Verdict */
/** @typedef {import("bartizan:policy/types@0.1.0").Window} Window */

/**
 * What can stand beside any verdict.
 * @typedef {{ charges?: Charge[], notes?: Note[] }} Beside
 */

/**
 * No objection.
 * @param {Beside} [beside]
 * @returns {Decision}
 */
export function pass(beside) {
  return decision({ tag: "pass" }, beside);
}

/**
 * Refuses, with a reason for the agent.
 * @param {string} message
 * @param {{ rule?: string, retryAfter?: number } & Beside} [more]
 * @returns {Decision}
 */
export function deny(message, more) {
  return decision({ tag: "deny", val: { message, rule: more?.rule, retryAfter: more?.retryAfter } }, more);
}

/**
 * Lets a human decide.
 * @param {string} message
 * @param {{ rule?: string, expiresAfter?: number } & Beside} [more]
 * @returns {Decision}
 */
export function ask(message, more) {
  return decision({ tag: "ask", val: { message, rule: more?.rule, expiresAfter: more?.expiresAfter } }, more);
}

/**
 * Goes on with other arguments, or another result.
 * @param {string} json JSON text. Numbers that JavaScript would round are safe only as text.
 * @param {Beside} [beside]
 * @returns {Decision}
 */
export function rewrite(json, beside) {
  return decision({ tag: "rewrite", val: json }, beside);
}

/**
 * Quota that the call takes: one out of `limit` in a window, for each session, unless `more` says otherwise.
 * @param {string} counter
 * @param {string | number} limit
 * @param {Window} window
 * @param {Partial<Charge>} [more]
 * @returns {Charge}
 */
export function charge(counter, limit, window, more) {
  return { counter, scope: "session", cost: "1", limit: String(limit), window, countsErrors: false, ...more };
}

/**
 * The last so many seconds.
 * @param {number} seconds
 * @returns {Window}
 */
export function sliding(seconds) {
  return { tag: "sliding", val: seconds };
}

/**
 * A note for the audit record.
 * @param {string} key
 * @param {unknown} value anything that JSON has
 * @returns {Note}
 */
export function note(key, value) {
  return { key, value: JSON.stringify(value) };
}

/**
 * What the plugin says of itself. It judges every call of a tool, unless `interests` says otherwise.
 * @param {{ name: string, version: string, summary: string, settingsSchema: object, metadata?: object }
 *   & Partial<Pick<Description, "interests" | "asks">>} self
 * @returns {Description}
 */
export function description(self) {
  return {
    name: self.name,
    version: self.version,
    summary: self.summary,
    settingsSchema: JSON.stringify(self.settingsSchema),
    interests: self.interests ?? [{ methods: ["tools/call"], targets: [] }],
    asks: self.asks ?? [],
    metadata: JSON.stringify({ sdk: "bartizan js", ...self.metadata }),
  };
}

/**
 * @param {Verdict} verdict
 * @param {Beside} [beside]
 * @returns {Decision}
 */
function decision(verdict, beside) {
  return { verdict, charges: beside?.charges ?? [], notes: beside?.notes ?? [] };
}
