// What a policy in C needs beside the contract (policy.h): answers and settings.
//
// Everything that is handed to the host must be on the heap, since the host gives it back to `free` when it has
// read it. The functions here copy what they are given, so literals are fine.
#ifndef BARTIZAN_H
#define BARTIZAN_H

#include "policy.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef exports_bartizan_policy_plugin_description_t bartizan_description_t;
typedef exports_bartizan_policy_calls_decision_t bartizan_decision_t;
typedef bartizan_policy_types_charge_t bartizan_charge_t;

// ---- Text ----

// A copy of a C string, or of `length` bytes.
policy_string_t bartizan_text(const char *text);
policy_string_t bartizan_text_n(const char *bytes, size_t length);
// Texts put together: `bartizan_join(3, "a", "b", "c")`.
policy_string_t bartizan_join(size_t count, ...);
bool bartizan_is(policy_string_t text, const char *other);

// ---- What the plugin says of itself ----

// Fills a description of a plugin that judges every call of a tool. Change what is different.
void bartizan_describe(bartizan_description_t *description, const char *name, const char *version,
                       const char *summary, const char *settings_schema);
// Adds a method, or a capability such as `log`, `memory` or `rewrite-arguments`.
void bartizan_add(policy_list_string_t *list, const char *item);

// ---- Decisions ----

// No objection. Every decision begins with one of these four.
void bartizan_pass(bartizan_decision_t *decision);
// Refuses. `rule` may be NULL.
void bartizan_deny(bartizan_decision_t *decision, policy_string_t message, const char *rule);
// Lets a human decide. `rule` may be NULL.
void bartizan_ask(bartizan_decision_t *decision, policy_string_t message, const char *rule);
// Goes on with other arguments, or another result: JSON text.
void bartizan_rewrite(bartizan_decision_t *decision, policy_string_t json);
// Adds a charge to a decision: `cost` out of `limit` (decimal numbers as text) in the last `seconds` of a
// session. The answer can be changed further; it is valid until the next charge is added.
bartizan_charge_t *bartizan_charge(bartizan_decision_t *decision, const char *counter, const char *cost,
                                   const char *limit, uint32_t seconds);
// Keeps something in the audit record. `json` is JSON text.
void bartizan_note(bartizan_decision_t *decision, const char *key, const char *json);
// Ends the evaluation as a failure, with words for the operator.
_Noreturn void bartizan_fail(const char *message);

// ---- JSON ----
//
// The host gives JSON that it has parsed itself, so these only walk it. What is not there, or is of another
// kind, is not found; they never read past the end.

// A value: its text.
typedef struct {
  const uint8_t *at;
  const uint8_t *end;
} bartizan_json_t;

bartizan_json_t bartizan_json(policy_string_t text);

// '{' object, '[' array, '"' string, 't' true, 'f' false, 'n' null, '0' number, 0 nothing.
char bartizan_json_kind(bartizan_json_t value);

// The member of an object with this name.
bool bartizan_json_member(bartizan_json_t object, const char *name, bartizan_json_t *member);

// The text of a string, without escapes, on the heap, with a zero byte after it.
bool bartizan_json_string(bartizan_json_t value, policy_string_t *text);

// What is in an object or an array, one after the other:
//
//   bartizan_json_items_t items = bartizan_json_items(value);
//   while (bartizan_json_next(&items, &name, &item)) { … }
//
// `name` is NULL for arrays; the name of a member is on the heap.
typedef struct {
  bartizan_json_t rest;
  bool object;
} bartizan_json_items_t;

bartizan_json_items_t bartizan_json_items(bartizan_json_t value);
bool bartizan_json_next(bartizan_json_items_t *items, policy_string_t *name, bartizan_json_t *item);

#ifdef __cplusplus
}
#endif
#endif
