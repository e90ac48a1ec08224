// Answers to the host; see bartizan.h.
#include "bartizan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

// There is nothing better to do without memory than to end the evaluation: the call is refused.
static void *allocate(void *block, size_t size) {
  void *grown = realloc(block, size ? size : 1);
  if (!grown) __builtin_trap();
  return grown;
}

policy_string_t bartizan_text_n(const char *bytes, size_t length) {
  policy_string_t text = {allocate(NULL, length), length};
  memcpy(text.ptr, bytes, length);
  return text;
}

policy_string_t bartizan_text(const char *text) { return bartizan_text_n(text, strlen(text)); }

policy_string_t bartizan_join(size_t count, ...) {
  policy_string_t joined = {allocate(NULL, 1), 0};
  va_list parts;
  va_start(parts, count);
  for (size_t i = 0; i < count; i++) {
    const char *part = va_arg(parts, const char *);
    size_t length = strlen(part);
    joined.ptr = allocate(joined.ptr, joined.len + length);
    memcpy(joined.ptr + joined.len, part, length);
    joined.len += length;
  }
  va_end(parts);
  return joined;
}

bool bartizan_is(policy_string_t text, const char *other) {
  return text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
}

void bartizan_add(policy_list_string_t *list, const char *item) {
  list->ptr = allocate(list->ptr, (list->len + 1) * sizeof *list->ptr);
  list->ptr[list->len++] = bartizan_text(item);
}

void bartizan_describe(bartizan_description_t *description, const char *name, const char *version,
                       const char *summary, const char *settings_schema) {
  memset(description, 0, sizeof *description);
  description->name = bartizan_text(name);
  description->version = bartizan_text(version);
  description->summary = bartizan_text(summary);
  description->settings_schema = bartizan_text(settings_schema);
  description->metadata = bartizan_text("{\"sdk\":\"bartizan c\"}");
  description->interests.ptr = allocate(NULL, sizeof *description->interests.ptr);
  description->interests.len = 1;
  memset(description->interests.ptr, 0, sizeof *description->interests.ptr);
  bartizan_add(&description->interests.ptr[0].methods, "tools/call");
}

void bartizan_pass(bartizan_decision_t *decision) {
  memset(decision, 0, sizeof *decision);
  decision->verdict.tag = BARTIZAN_POLICY_TYPES_VERDICT_PASS;
}

static policy_option_string_t optional(const char *text) {
  policy_option_string_t option = {.is_some = text != NULL};
  if (text) option.val = bartizan_text(text);
  return option;
}

void bartizan_deny(bartizan_decision_t *decision, policy_string_t message, const char *rule) {
  bartizan_pass(decision);
  decision->verdict.tag = BARTIZAN_POLICY_TYPES_VERDICT_DENY;
  decision->verdict.val.deny.message = message;
  decision->verdict.val.deny.rule = optional(rule);
}

void bartizan_ask(bartizan_decision_t *decision, policy_string_t message, const char *rule) {
  bartizan_pass(decision);
  decision->verdict.tag = BARTIZAN_POLICY_TYPES_VERDICT_ASK;
  decision->verdict.val.ask.message = message;
  decision->verdict.val.ask.rule = optional(rule);
}

void bartizan_rewrite(bartizan_decision_t *decision, policy_string_t json) {
  bartizan_pass(decision);
  decision->verdict.tag = BARTIZAN_POLICY_TYPES_VERDICT_REWRITE;
  decision->verdict.val.rewrite = json;
}

bartizan_charge_t *bartizan_charge(bartizan_decision_t *decision, const char *counter, const char *cost,
                                   const char *limit, uint32_t seconds) {
  bartizan_policy_types_list_charge_t *charges = &decision->charges;
  charges->ptr = allocate(charges->ptr, (charges->len + 1) * sizeof *charges->ptr);
  bartizan_charge_t *charge = &charges->ptr[charges->len++];
  memset(charge, 0, sizeof *charge);
  charge->counter = bartizan_text(counter);
  charge->scope = BARTIZAN_POLICY_TYPES_SCOPE_SESSION;
  charge->cost = bartizan_text(cost);
  charge->limit = bartizan_text(limit);
  charge->window.tag = BARTIZAN_POLICY_TYPES_WINDOW_SLIDING;
  charge->window.val.sliding = seconds;
  return charge;
}

void bartizan_note(bartizan_decision_t *decision, const char *key, const char *json) {
  bartizan_policy_types_list_note_t *notes = &decision->notes;
  notes->ptr = allocate(notes->ptr, (notes->len + 1) * sizeof *notes->ptr);
  notes->ptr[notes->len].key = bartizan_text(key);
  notes->ptr[notes->len++].value = bartizan_text(json);
}

_Noreturn void bartizan_fail(const char *message) {
  policy_string_t text = bartizan_text(message);
  bartizan_policy_fault_fail(&text);
  __builtin_trap();
}
