//! What a policy in Zig is written with, beside the contract itself (`contract`: policy.h as Zig reads it).
//!
//! What is handed to the host must be on the C heap, since the host gives it back to `free` when it has read it.
//! The functions here copy what they are given, so literals are fine.

const std = @import("std");

pub const contract = @import("contract");

/// Everything lives until the evaluation ends.
pub const allocator = std.heap.c_allocator;

pub const Charge = contract.bartizan_policy_types_charge_t;
pub const Decision = contract.exports_bartizan_policy_calls_decision_t;
pub const Description = contract.exports_bartizan_policy_plugin_description_t;
pub const Text = contract.policy_string_t;

/// A copy for the host. Without memory the evaluation ends, and the call is refused.
pub fn text(bytes: []const u8) Text {
    const copy = allocator.dupe(u8, bytes) catch @trap();
    return .{ .ptr = copy.ptr, .len = copy.len };
}

/// As `text`, of a format and its arguments.
pub fn print(comptime format: []const u8, arguments: anytype) Text {
    const written = std.fmt.allocPrint(allocator, format, arguments) catch @trap();
    return .{ .ptr = written.ptr, .len = written.len };
}

/// What the host wrote.
pub fn slice(given: Text) []const u8 {
    return if (given.len == 0) "" else given.ptr[0..given.len];
}

/// What a plugin says of itself.
pub const Self = struct {
    name: []const u8,
    version: []const u8,
    summary: []const u8,
    settings_schema: []const u8,
    /// The methods that it wants to judge.
    methods: []const []const u8 = &.{"tools/call"},
    /// Capabilities such as `log`, `memory` or `rewrite-arguments`.
    asks: []const []const u8 = &.{},
};

pub fn describe(self: Self) Description {
    const interests = allocator.alloc(contract.bartizan_policy_types_interest_t, 1) catch @trap();
    interests[0] = .{ .methods = list(self.methods), .targets = list(&.{}) };
    return .{
        .name = text(self.name),
        .version = text(self.version),
        .summary = text(self.summary),
        .settings_schema = text(self.settings_schema),
        .interests = .{ .ptr = interests.ptr, .len = interests.len },
        .asks = list(self.asks),
        .metadata = text("{\"sdk\":\"bartizan zig\"}"),
    };
}

fn list(items: []const []const u8) contract.policy_list_string_t {
    if (items.len == 0) return .{ .ptr = null, .len = 0 };
    const copies = allocator.alloc(Text, items.len) catch @trap();
    for (items, copies) |item, *copy| copy.* = text(item);
    return .{ .ptr = copies.ptr, .len = copies.len };
}

/// No objection. Every decision begins with one of these four.
pub fn pass() Decision {
    return std.mem.zeroInit(Decision, .{});
}

/// Refuses, with a reason for the agent, by a rule of this name.
pub fn deny(message: Text, rule: []const u8) Decision {
    var decision = pass();
    decision.verdict.tag = contract.BARTIZAN_POLICY_TYPES_VERDICT_DENY;
    decision.verdict.val.deny = .{ .message = message, .rule = .{ .is_some = true, .val = text(rule) } };
    return decision;
}

/// Lets a human decide.
pub fn ask(message: Text, rule: []const u8) Decision {
    var decision = pass();
    decision.verdict.tag = contract.BARTIZAN_POLICY_TYPES_VERDICT_ASK;
    decision.verdict.val.ask = .{ .message = message, .rule = .{ .is_some = true, .val = text(rule) } };
    return decision;
}

/// Goes on with other arguments, or another result: JSON text.
pub fn rewrite(json: Text) Decision {
    var decision = pass();
    decision.verdict.tag = contract.BARTIZAN_POLICY_TYPES_VERDICT_REWRITE;
    decision.verdict.val.rewrite = json;
    return decision;
}

/// Adds a charge to a decision: `cost` out of `limit` (decimal numbers) in the last `seconds` of a session.
/// The answer can be changed further; it is valid until the next charge is added.
pub fn charge(decision: *Decision, counter: []const u8, cost: []const u8, limit: []const u8, seconds: u32) *Charge {
    const before: []Charge = if (decision.charges.len == 0) &.{} else decision.charges.ptr[0..decision.charges.len];
    const charges = allocator.realloc(before, before.len + 1) catch @trap();
    charges[before.len] = std.mem.zeroInit(Charge, .{
        .counter = text(counter),
        .scope = contract.BARTIZAN_POLICY_TYPES_SCOPE_SESSION,
        .cost = text(cost),
        .limit = text(limit),
    });
    charges[before.len].window.tag = contract.BARTIZAN_POLICY_TYPES_WINDOW_SLIDING;
    charges[before.len].window.val.sliding = seconds;
    decision.charges = .{ .ptr = charges.ptr, .len = charges.len };
    return &charges[before.len];
}

/// Ends the evaluation as a failure, with words for the operator.
pub fn fail(message: []const u8) noreturn {
    var words = text(message);
    contract.bartizan_policy_fault_fail(&words);
    @trap();
}
