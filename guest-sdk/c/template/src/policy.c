// Refuses changes between two days, except for those who may make them.
#include <stdlib.h>
#include <string.h>

#include "bartizan.h"

#define NAME "change-freeze"
#define VERSION "0.1.0"
#define SUMMARY "Refuses changes between two days."

static const char SETTINGS_SCHEMA[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"from\":{\"type\":\"string\",\"format\":\"date\",\"description\":\"The first day of the freeze, in UTC. Without it the freeze has begun.\"},"
    "\"until\":{\"type\":\"string\",\"format\":\"date\",\"description\":\"The first day after it. Without it the freeze has no end.\"},"
    "\"except\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
    "\"description\":\"Principals who may change things all the same.\"}}}";

#define DAY_MILLISECONDS 86400000.0

// What `configure` leaves. Every evaluation starts from it.
static struct {
  long from;
  long until;
  char until_text[11];
  policy_string_t *except;
  size_t exceptions;
} settings;

void exports_bartizan_policy_plugin_describe(bartizan_description_t *description) {
  bartizan_describe(description, NAME, VERSION, SUMMARY, SETTINGS_SCHEMA);
}

// ---- Days ----

// Days since 1970-01-01, by the calendar that ISO 8601 uses.
static long days(long year, long month, long day) {
  // Counted from March, so that the day that a leap year has more is the last one.
  long years = month <= 2 ? year - 1 : year;
  long of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return years * 365 + years / 4 - years / 100 + years / 400 + of_year - 719468;
}

static bool digits(policy_string_t text, size_t at, size_t count, long *number) {
  *number = 0;
  for (size_t i = at; i < at + count; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
    *number = *number * 10 + text.ptr[i] - '0';
  }
  return true;
}

// Reads `YYYY-MM-DD`.
static bool read_day(policy_string_t text, long *result) {
  static const long lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  long year, month, day;
  if (text.len != 10 || text.ptr[4] != '-' || text.ptr[7] != '-') return false;
  if (!digits(text, 0, 4, &year) || !digits(text, 5, 2, &month) || !digits(text, 8, 2, &day)) return false;
  if (month < 1 || month > 12) return false;
  bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (day < 1 || day > lengths[month - 1] + leap) return false;
  *result = days(year, month, day);
  return true;
}

// ---- Settings ----

static bool day_setting(bartizan_json_t object, const char *key, const char *otherwise, long *day,
                        policy_string_t *text, policy_string_t *error) {
  bartizan_json_t value;
  *text = bartizan_text(otherwise);
  bool is_text = !bartizan_json_member(object, key, &value) || bartizan_json_string(value, text);
  if (!is_text || !read_day(*text, day)) {
    *error = bartizan_join(3, "`", key, "` must be a day such as `2026-12-20`");
    return false;
  }
  return true;
}

static bool exceptions_setting(bartizan_json_t object, policy_string_t *error) {
  bartizan_json_t list, item;
  if (!bartizan_json_member(object, "except", &list)) return true;
  bool valid = bartizan_json_kind(list) == '[';
  bartizan_json_items_t items = bartizan_json_items(list);
  while (valid && bartizan_json_next(&items, NULL, &item)) {
    settings.except = realloc(settings.except, (settings.exceptions + 1) * sizeof *settings.except);
    if (!settings.except) bartizan_fail("out of memory");
    valid = bartizan_json_string(item, &settings.except[settings.exceptions++]);
  }
  if (!valid) *error = bartizan_text("`except` must be a list of principals such as `[\"release-bot\"]`");
  return valid;
}

bool exports_bartizan_policy_plugin_configure(policy_string_t *json, policy_string_t *error) {
  bartizan_json_t object = bartizan_json(*json), value;
  if (bartizan_json_kind(object) != '{') {
    *error = bartizan_text("the settings must be an object with `from` and `until`");
    return false;
  }
  bartizan_json_items_t items = bartizan_json_items(object);
  policy_string_t key;
  while (bartizan_json_next(&items, &key, &value)) {
    if (bartizan_is(key, "from") || bartizan_is(key, "until") || bartizan_is(key, "except")) continue;
    *error = bartizan_join(3, "unknown key `", (const char *)key.ptr,
                           "`; the keys are `from`, `until` and `except`");
    return false;
  }
  policy_string_t from, until;
  if (!day_setting(object, "from", "1970-01-01", &settings.from, &from, error)) return false;
  if (!day_setting(object, "until", "9999-12-31", &settings.until, &until, error)) return false;
  if (settings.from >= settings.until) {
    *error = bartizan_text("`until` must be after `from`: it is the first day that is free again");
    return false;
  }
  memcpy(settings.until_text, until.ptr, 10);
  return exceptions_setting(object, error);
}

// ---- The rule ----

// Whether the server says that the tool changes nothing.
static bool is_read_only(void) {
  bartizan_policy_call_entry_t tool;
  bartizan_json_t annotations, hint;
  return bartizan_policy_call_tool(&tool) &&
         bartizan_json_member(bartizan_json(tool.definition), "annotations", &annotations) &&
         bartizan_json_member(annotations, "readOnlyHint", &hint) && bartizan_json_kind(hint) == 't';
}

static bool is_excepted(void) {
  policy_string_t principal;
  if (!bartizan_policy_call_principal(&principal)) return false;
  for (size_t i = 0; i < settings.exceptions; i++) {
    policy_string_t name = settings.except[i];
    if (name.len == principal.len && memcmp(name.ptr, principal.ptr, name.len) == 0) return true;
  }
  return false;
}

void exports_bartizan_policy_calls_check(bartizan_decision_t *decision) {
  double today = bartizan_policy_call_time() / DAY_MILLISECONDS;
  if (today < (double)settings.from || today >= (double)settings.until || is_excepted() || is_read_only()) {
    bartizan_pass(decision);
  } else {
    bartizan_deny(decision, bartizan_join(3, "Changes are frozen until ", settings.until_text, "."), "freeze");
  }
}
