//! Refuses changes between two days, except for those who may make them.

const std = @import("std");
const bartizan = @import("bartizan");
const contract = bartizan.contract;
const Value = std.json.Value;

const settings_schema =
    \\{"type":"object","additionalProperties":false,"properties":{
    \\"from":{"type":"string","format":"date","description":"The first day of the freeze, in UTC. Without it the freeze has begun."},
    \\"until":{"type":"string","format":"date","description":"The first day after it. Without it the freeze has no end."},
    \\"except":{"type":"array","items":{"type":"string"},
    \\"description":"Principals who may change things all the same."}}}
;

const day_milliseconds = 86_400_000;

/// What `configure` leaves. Every evaluation starts from it.
var from: i64 = 0;
var until: i64 = 0;
var until_text: []const u8 = "";
var except: []const Value = &.{};

export fn exports_bartizan_policy_plugin_describe(description: *bartizan.Description) void {
    description.* = bartizan.describe(.{
        .name = "change-freeze",
        .version = "0.1.0",
        .summary = "Refuses changes between two days.",
        .settings_schema = settings_schema,
    });
}

export fn exports_bartizan_policy_plugin_configure(settings: *bartizan.Text, problem: *bartizan.Text) bool {
    problem.* = configure(bartizan.slice(settings.*)) orelse return true;
    return false;
}

/// Answers with what is wrong, if something is.
fn configure(settings: []const u8) ?bartizan.Text {
    const parsed = parse(settings) orelse return bartizan.text("the settings must be JSON");
    if (parsed != .object) return bartizan.text("the settings must be an object with `from` and `until`");
    for (parsed.object.keys()) |key| {
        for ([_][]const u8{ "from", "until", "except" }) |known| {
            if (std.mem.eql(u8, key, known)) break;
        } else return bartizan.print("unknown key `{s}`; the keys are `from`, `until` and `except`", .{key});
    }
    var from_text: []const u8 = "";
    if (readDay(parsed, "from", "1970-01-01", &from, &from_text)) |problem| return problem;
    if (readDay(parsed, "until", "9999-12-31", &until, &until_text)) |problem| return problem;
    if (from >= until) {
        return bartizan.text("`until` must be after `from`: it is the first day that is free again");
    }
    if (parsed.object.get("except")) |list| {
        const wrong = "`except` must be a list of principals such as `[\"release-bot\"]`";
        if (list != .array) return bartizan.text(wrong);
        for (list.array.items) |name| {
            if (name != .string) return bartizan.text(wrong);
        }
        except = list.array.items;
    }
    return null;
}

fn readDay(settings: Value, key: []const u8, otherwise: []const u8, day: *i64, text: *[]const u8) ?bartizan.Text {
    const value = settings.object.get(key) orelse Value{ .string = otherwise };
    if (value == .string) {
        if (parseDay(value.string)) |read| {
            day.* = read;
            text.* = value.string;
            return null;
        }
    }
    return bartizan.print("`{s}` must be a day such as `2026-12-20`", .{key});
}

export fn exports_bartizan_policy_calls_check(decision: *bartizan.Decision) void {
    const today: i64 = @intFromFloat(contract.bartizan_policy_call_time() / day_milliseconds);
    decision.* = if (today < from or today >= until or isExcepted() or isReadOnly())
        bartizan.pass()
    else
        bartizan.deny(bartizan.print("Changes are frozen until {s}.", .{until_text}), "freeze");
}

fn isExcepted() bool {
    var principal: bartizan.Text = undefined;
    if (!contract.bartizan_policy_call_principal(&principal)) return false;
    for (except) |name| {
        if (std.mem.eql(u8, name.string, bartizan.slice(principal))) return true;
    }
    return false;
}

/// Whether the server says that the tool changes nothing.
fn isReadOnly() bool {
    var tool: contract.bartizan_policy_call_entry_t = undefined;
    if (!contract.bartizan_policy_call_tool(&tool)) return false;
    const definition = parse(bartizan.slice(tool.definition)) orelse return false;
    if (definition != .object) return false;
    const annotations = definition.object.get("annotations") orelse return false;
    if (annotations != .object) return false;
    const hint = annotations.object.get("readOnlyHint") orelse return false;
    return hint == .bool and hint.bool;
}

fn parse(text: []const u8) ?Value {
    return std.json.parseFromSliceLeaky(Value, bartizan.allocator, text, .{}) catch null;
}

/// Reads `YYYY-MM-DD`: days since 1970-01-01.
fn parseDay(text: []const u8) ?i64 {
    if (text.len != 10 or text[4] != '-' or text[7] != '-') return null;
    const year = digits(text[0..4]) orelse return null;
    const month = digits(text[5..7]) orelse return null;
    const day = digits(text[8..10]) orelse return null;
    if (month < 1 or month > 12) return null;
    const lengths = [_]i64{ 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const leap = month == 2 and @mod(year, 4) == 0 and (@mod(year, 100) != 0 or @mod(year, 400) == 0);
    if (day < 1 or day > lengths[@intCast(month - 1)] + @intFromBool(leap)) return null;
    // Counted from March, so that the day that a leap year has more is the last one.
    const years = if (month <= 2) year - 1 else year;
    const of_year = @divFloor(153 * (if (month <= 2) month + 9 else month - 3) + 2, 5) + day - 1;
    return years * 365 + @divFloor(years, 4) - @divFloor(years, 100) + @divFloor(years, 400) + of_year - 719_468;
}

fn digits(text: []const u8) ?i64 {
    var number: i64 = 0;
    for (text) |digit| {
        if (!std.ascii.isDigit(digit)) return null;
        number = number * 10 + digit - '0';
    }
    return number;
}
