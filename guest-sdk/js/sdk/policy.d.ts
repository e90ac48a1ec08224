// Generated from wit/ by `cargo xtask bindings`. Do not edit.

/**
 * The types that both sides share.
 */
declare module "bartizan:policy/types@0.1.0" {
  /**
   * UTF-8 JSON text. Numbers keep the literal that the sender wrote (`1.10` stays `1.10`, an
   * integer of thirty digits stays exact); insignificant white space is absent.
   */
  export type Json = string;
  /**
   * Which way a message travels.
   */
  export type Flow =
    /**
     * From the MCP client (the agent) to the MCP server.
     */
    | "client-to-server"
    /**
     * From the MCP server to the MCP client: `sampling/createMessage`, `elicitation/create`,
     * `roots/list`, notifications.
     */
    | "server-to-client";
  /**
   * Who shares a counter.
   */
  export type Scope =
    /**
     * One MCP session.
     */
    | "session"
    /**
     * One authenticated caller, over all of its sessions. Callers without a principal are one caller
     * of each server: opening another session gives nobody a fresh counter.
     */
    | "principal"
    /**
     * Everyone who uses the same upstream server.
     */
    | "server"
    /**
     * Everyone.
     */
    | "everyone";
  /**
   * A calendar unit, in UTC. Weeks begin on Monday (ISO 8601).
   */
  export type Unit =
    | "second"
    | "minute"
    | "hour"
    | "day"
    | "week"
    | "month";
  /**
   * The span of time over which a counter adds up.
   */
  export type Window =
    /**
     * The last so many seconds before the call. At least 1.
     */
    | { tag: "sliding"; val: number }
    /**
     * The current calendar unit; the counter starts again at zero when the next one begins.
     */
    | { tag: "fixed"; val: Unit };
  /**
   * A refusal.
   */
  export interface Denial {
    /**
     * Why, in words for the agent that called. At most 4 KiB.
     */
    message: string;
    /**
     * The rule that refused, as its author names it; for documents a JSON Pointer
     * (`/tools/delete_experiment/action`). At most 1 KiB.
     */
    rule?: string | null | undefined;
    /**
     * Seconds after which the same call may succeed, where that is known.
     */
    retryAfter?: number | null | undefined;
  }
  /**
   * A demand for a human's approval before the call may go on.
   */
  export interface Approval {
    /**
     * What the approver is asked, and what the agent is told while it waits. At most 4 KiB.
     */
    message: string;
    /**
     * The rule that asks, named as in `denial.rule`.
     */
    rule?: string | null | undefined;
    /**
     * Seconds until an unanswered request counts as refused.
     */
    expiresAfter?: number | null | undefined;
  }
  /**
   * Quota that the call takes if it goes ahead. The host reserves the charges of all plugins in
   * one step, takes none when anything refuses, and gives them back when the call does not reach the
   * server. Nobody knows the outcome of a call that got no answer in time: it stays charged.
   */
  export interface Charge {
    /**
     * The counter's name. Plugins that name the same counter with the same scope, limit and window
     * share it. At most 256 bytes.
     */
    counter: string;
    /**
     * Who shares the counter.
     */
    scope: Scope;
    /**
     * How much this call takes: an exact decimal number, not negative, such as `1` or `12.50`.
     */
    cost: string;
    /**
     * How much there is in one window: an exact decimal number, not negative.
     */
    limit: string;
    /**
     * The window in which costs add up.
     */
    window: Window;
    /**
     * What the agent is told when the limit is reached, instead of the host's own words.
     */
    message?: string | null | undefined;
    /**
     * The rule that charges, named as in `denial.rule`.
     */
    rule?: string | null | undefined;
    /**
     * Whether a call that the server answered with an error (`isError` of a tool result, or a
     * JSON-RPC error) takes this quota as well. If not, it gets it back.
     */
    countsErrors: boolean;
  }
  /**
   * Something worth keeping in the audit record. At most 16 notes of 4 KiB for one evaluation.
   */
  export interface Note {
    key: string;
    value: Json;
  }
  /**
   * What a plugin thinks of a call or a reply.
   */
  export type Verdict =
    /**
     * No objection. Other plugins may have one.
     */
    | { tag: "pass" }
    /**
     * Refuse it.
     */
    | { tag: "deny"; val: Denial }
    /**
     * Let a human decide. In `replies` this is not a valid answer and refuses the reply.
     */
    | { tag: "ask"; val: Approval }
    /**
     * Go on with this in place of what was judged: in `calls` the whole arguments (`tools/call`)
     * or params, in `replies` the whole result. Works only for a plugin that asks for
     * `rewrite-arguments` or `rewrite-results` and was granted it; without the grant it refuses.
     * Later plugins judge the new text.
     */
    | { tag: "rewrite"; val: Json };
  /**
   * The answer of one evaluation.
   */
  export interface Decision {
    verdict: Verdict;
    /**
     * Taken only when the verdict of every plugin lets the call through. Empty for replies.
     */
    charges: Charge[];
    notes: Note[];
  }
  /**
   * Messages that a plugin wants to judge. Globs: `*` stands for any run of characters, `?` for
   * one; there is no escape.
   */
  export interface Interest {
    /**
     * MCP methods, such as `tools/call` or `prompts/*`. Empty: every method.
     */
    methods: string[];
    /**
     * Targets (tool and prompt names, resource URIs). Empty: every target, and messages without one.
     */
    targets: string[];
  }
  /**
   * What a plugin says of itself.
   */
  export interface Description {
    /**
     * A short name in lower case with hyphens. At most 64 bytes.
     */
    name: string;
    /**
     * The plugin's own version, as in SemVer.
     */
    version: string;
    /**
     * One sentence for people.
     */
    summary: string;
    /**
     * A JSON Schema (draft 2020-12) that valid settings meet.
     */
    settingsSchema: Json;
    /**
     * What the plugin wants to judge; the host does not evaluate it for anything else. Empty: all.
     */
    interests: Interest[];
    /**
     * Capabilities that the plugin needs, by name: `rewrite-arguments`, `rewrite-results`, and the
     * interfaces `log`, `memory` and `http`. Each works only if the operator grants it too: a plugin
     * that imports an interface it does not ask for, or is not granted, does not load. Names that the
     * host does not know are refused.
     */
    asks: string[];
    /**
     * Anything else for tools and catalogues: a JSON object, `{}` if there is nothing.
     */
    metadata: Json;
  }
  /**
   * The server's own definition of a tool, prompt, resource or resource template.
   */
  export interface Entry {
    /**
     * The tool's or prompt's name, the resource's URI, the template's URI template.
     */
    name: string;
    /**
     * SHA-256 of `definition` in lower-case hex: changes when the definition does.
     */
    digest: string;
    /**
     * The definition as the server sent it.
     */
    definition: Json;
  }
}

/**
 * The message being judged. Available in `calls`, `listings` and `replies`; reading it during
 * `describe` or `configure` ends that call, since there is no message then. A plugin pays for what
 * it reads only.
 */
declare module "bartizan:policy/call@0.1.0" {
  export type Json = import("bartizan:policy/types@0.1.0").Json;
  export type Flow = import("bartizan:policy/types@0.1.0").Flow;
  export type Entry = import("bartizan:policy/types@0.1.0").Entry;
  /**
   * The MCP method: `tools/call`, `prompts/get`, `sampling/createMessage`, … In `listings` the
   * list method, such as `tools/list`.
   */
  export function method(): string;
  /**
   * Which way the message travels.
   */
  export function direction(): Flow;
  /**
   * The upstream server's name in the gateway's configuration.
   */
  export function server(): string;
  /**
   * The tool or prompt name or the resource URI, where the method has one.
   */
  export function target(): string | null | undefined;
  /**
   * The value at a JSON Pointer (RFC 6901) into the arguments (`tools/call`, `prompts/get`) or the
   * params (every other method). The empty pointer gives the whole. None if nothing is there.
   */
  export function argument(pointer: string): Json | null | undefined;
  /**
   * The server's definition of the target, where the gateway knows one. Annotations in it are the
   * server's claim, never the client's.
   */
  export function tool(): Entry | null | undefined;
  /**
   * The gateway's identifier of the MCP session; opaque.
   */
  export function session(): string;
  /**
   * The authenticated caller's name, if there is one.
   */
  export function principal(): string | null | undefined;
  /**
   * The value at a JSON Pointer into the caller's claims (an object). None without claims.
   */
  export function claim(pointer: string): Json | null | undefined;
  /**
   * Whole milliseconds since the Unix epoch: the time of the call, the same for every plugin that
   * judges it.
   */
  export function time(): number;
}

/**
 * The result being judged. Available in `replies` only.
 */
declare module "bartizan:policy/reply@0.1.0" {
  export type Json = import("bartizan:policy/types@0.1.0").Json;
  /**
   * Whether the server reports a failure: `isError` of a tool result, or a JSON-RPC error.
   */
  export function isError(): boolean;
  /**
   * The value at a JSON Pointer into the result (or the JSON-RPC error object). The empty pointer
   * gives the whole. None if nothing is there.
   */
  export function value(pointer: string): Json | null | undefined;
}

/**
 * A way out for a plugin that cannot decide.
 */
declare module "bartizan:policy/fault@0.1.0" {
  /**
   * Ends the evaluation (or `describe`, or `configure`) at once; does not return. The host logs the
   * message and goes on as for a trap: the call is refused unless the operator chose otherwise.
   */
  export function fail(message: string): void;
}

/**
 * For a plugin that asks for `log` and is granted it: lines in the gateway's log, for the operator.
 * Available everywhere, `describe` and `configure` included.
 */
declare module "bartizan:policy/log@0.1.0" {
  /**
   * How much a line matters.
   */
  export type Level =
    | "debug"
    | "info"
    | "warn"
    | "error";
  /**
   * Writes a line. At most 1 KiB of it is kept, and so many lines of one evaluation (16 unless the
   * operator says otherwise); what is over that is dropped, and the host says how much was.
   */
  export function write(level: Level, message: string): void;
}

/**
 * For a plugin that asks for `memory` and is granted it: what it remembers of the session, so that a
 * rule can depend on what came before. Each plugin has its own, in each session; nothing of it outlives
 * the session. Available in `calls`, `listings` and `replies`.
 *
 * An evaluation reads what there was when it began, and its own changes. They are kept only once the
 * decision stands and the message goes on: what refused, failed or was refused by another plugin
 * changes nothing. In `listings` changes are never kept.
 */
declare module "bartizan:policy/memory@0.1.0" {
  export type Json = import("bartizan:policy/types@0.1.0").Json;
  /**
   * The value under a key. None if there is none, or its time is over.
   */
  export function get(key: string): Json | null | undefined;
  /**
   * Remembers a value for so many seconds; at most 30 days. A plugin may have 64 keys of at most 256
   * bytes in a session, with values of at most 4 KiB; a change that is over that ends the evaluation as
   * a trap would.
   */
  export function set(key: string, value: Json, seconds: number): void;
  /**
   * Forgets a key.
   */
  export function remove(key: string): void;
}

/**
 * For a plugin that asks for `http` and is granted it: requests to the hosts that the operator lists.
 * Available in `calls` and `replies`. An evaluation that waits for an answer is no pure function any
 * more, and costs what the answer takes.
 */
declare module "bartizan:policy/http@0.1.0" {
  /**
   * A header field.
   */
  export interface Header {
    name: string;
    value: string;
  }
  /**
   * A request.
   */
  export interface Request {
    /**
     * `GET`, `POST`, …
     */
    method: string;
    /**
     * An absolute URL, `https` or `http`, whose origin the operator allows.
     */
    url: string;
    headers: Header[];
    body: Uint8Array;
    /**
     * Milliseconds to wait for the whole response; never more than the operator allows.
     */
    timeout?: number | null | undefined;
  }
  /**
   * A response. Redirects are not followed: they are responses like others.
   */
  export interface Response {
    status: number;
    headers: Header[];
    /**
     * At most 256 KiB.
     */
    body: Uint8Array;
  }
  /**
   * Sends a request and waits for the response. An error says in words what went wrong: the origin is
   * not allowed, no connection, no answer in time, too large, too many requests in one evaluation.
   */
  export function send(request: Request): Response;
}

/**
 * What every plugin exports.
 */
declare module "bartizan:policy/plugin@0.1.0" {
  export type Description = import("bartizan:policy/types@0.1.0").Description;
  export type Json = import("bartizan:policy/types@0.1.0").Json;
  export interface Plugin {
    /**
     * Describes the plugin. Called once when it is loaded; must not depend on settings.
     */
    describe(): Description;
    /**
     * Takes the settings, once, before anything is judged. An error refuses the plugin with its text,
     * which should name the setting and the remedy. The host may keep the configured memory and start
     * every evaluation from it.
     */
    configure(settings: Json): void;
  }
}

/**
 * Optional hook: judges messages before they are forwarded.
 */
declare module "bartizan:policy/calls@0.1.0" {
  export type Decision = import("bartizan:policy/types@0.1.0").Decision;
  export interface Calls {
    /**
     * Judges the current call.
     */
    check(): Decision;
  }
}

/**
 * Optional hook: filters lists, and hides what it filters.
 */
declare module "bartizan:policy/listings@0.1.0" {
  export type Entry = import("bartizan:policy/types@0.1.0").Entry;
  export interface Listings {
    /**
     * Says for each entry whether the caller may know of it, in the same order and number. An entry
     * that is not visible is gone from lists, and a call to it is answered as if it did not exist.
     * The answer for an entry must not depend on the other entries.
     */
    visible(entries: Entry[]): boolean[];
  }
}

/**
 * Optional hook: judges results before they reach the caller.
 */
declare module "bartizan:policy/replies@0.1.0" {
  export type Decision = import("bartizan:policy/types@0.1.0").Decision;
  export interface Replies {
    /**
     * Judges the current reply to the current call.
     */
    check(): Decision;
  }
}
