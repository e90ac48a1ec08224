// Walks JSON that the host has parsed already; see bartizan.h.
#include "bartizan.h"

#include <stdlib.h>
#include <string.h>

static bool is_space(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

static bartizan_json_t trimmed(bartizan_json_t value) {
  while (value.at < value.end && is_space(*value.at)) value.at++;
  return value;
}

// Where the string that begins at `at` ends: behind its closing quote.
static const uint8_t *string_end(const uint8_t *at, const uint8_t *end) {
  for (at++; at < end; at++) {
    if (*at == '\\') {
      at++;
    } else if (*at == '"') {
      return at + 1;
    }
  }
  return end;
}

// Where the value that begins at `at` ends.
static const uint8_t *value_end(const uint8_t *at, const uint8_t *end) {
  size_t depth = 0;
  while (at < end) {
    switch (*at) {
      case '"':
        at = string_end(at, end);
        if (!depth) return at;
        continue;
      case '{':
      case '[':
        depth++;
        break;
      case '}':
      case ']':
        if (!depth) return at;
        if (!--depth) return at + 1;
        break;
      case ',':
      case ':':
        if (!depth) return at;
        break;
      default:
        if (!depth && is_space(*at)) return at;
    }
    at++;
  }
  return end;
}

bartizan_json_t bartizan_json(policy_string_t text) {
  return trimmed((bartizan_json_t){text.ptr, text.ptr + text.len});
}

char bartizan_json_kind(bartizan_json_t value) {
  if (value.at >= value.end) return 0;
  return *value.at == '-' || (*value.at >= '0' && *value.at <= '9') ? '0' : (char)*value.at;
}

bartizan_json_items_t bartizan_json_items(bartizan_json_t value) {
  char kind = bartizan_json_kind(value);
  if (kind != '{' && kind != '[') return (bartizan_json_items_t){{value.end, value.end}, false};
  return (bartizan_json_items_t){trimmed((bartizan_json_t){value.at + 1, value.end}), kind == '{'};
}

static bool skip(bartizan_json_t *rest, char byte) {
  *rest = trimmed(*rest);
  if (rest->at >= rest->end || *rest->at != (uint8_t)byte) return false;
  *rest = trimmed((bartizan_json_t){rest->at + 1, rest->end});
  return true;
}

bool bartizan_json_next(bartizan_json_items_t *items, policy_string_t *name, bartizan_json_t *item) {
  bartizan_json_t *rest = &items->rest;
  if (rest->at >= rest->end || *rest->at == '}' || *rest->at == ']') return false;
  if (items->object) {
    const uint8_t *end = value_end(rest->at, rest->end);
    bool named = !name || bartizan_json_string((bartizan_json_t){rest->at, end}, name);
    rest->at = end;
    if (!named || !skip(rest, ':')) return false;
  }
  *item = (bartizan_json_t){rest->at, value_end(rest->at, rest->end)};
  rest->at = item->end;
  skip(rest, ',');
  return item->at < item->end;
}

bool bartizan_json_member(bartizan_json_t object, const char *name, bartizan_json_t *member) {
  if (bartizan_json_kind(object) != '{') return false;
  bartizan_json_items_t items = bartizan_json_items(object);
  policy_string_t found;
  while (bartizan_json_next(&items, &found, member)) {
    bool same = bartizan_is(found, name);
    free(found.ptr);
    if (same) return true;
  }
  return false;
}

// The four hexadecimal digits at `at`.
static uint32_t code_unit(const uint8_t *at) {
  uint32_t unit = 0;
  for (size_t i = 0; i < 4; i++) {
    uint8_t digit = at[i] | 0x20;
    unit = unit << 4 | (digit <= '9' ? digit & 0xf : digit - 'a' + 10u);
  }
  return unit;
}

static uint8_t *put_utf8(uint8_t *to, uint32_t point) {
  if (point < 0x80) {
    *to++ = (uint8_t)point;
  } else if (point < 0x800) {
    *to++ = (uint8_t)(0xc0 | point >> 6);
    *to++ = (uint8_t)(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    *to++ = (uint8_t)(0xe0 | point >> 12);
    *to++ = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    *to++ = (uint8_t)(0x80 | (point & 0x3f));
  } else {
    *to++ = (uint8_t)(0xf0 | point >> 18);
    *to++ = (uint8_t)(0x80 | (point >> 12 & 0x3f));
    *to++ = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    *to++ = (uint8_t)(0x80 | (point & 0x3f));
  }
  return to;
}

bool bartizan_json_string(bartizan_json_t value, policy_string_t *text) {
  static const char escapes[] = "b\bf\fn\nr\rt\t";
  if (bartizan_json_kind(value) != '"' || value.end - value.at < 2) return false;
  const uint8_t *at = value.at + 1, *end = value.end - 1;
  // Without escapes a text is never longer than with them; the quotes leave room for the zero byte.
  text->ptr = malloc((size_t)(value.end - value.at));
  if (!text->ptr) __builtin_trap();
  uint8_t *to = text->ptr;
  while (at < end) {
    if (*at != '\\') {
      *to++ = *at++;
    } else if (end - at >= 6 && at[1] == 'u') {
      uint32_t point = code_unit(at + 2);
      at += 6;
      if (point >= 0xd800 && point < 0xdc00 && end - at >= 6) {
        point = 0x10000 + ((point - 0xd800) << 10) + (code_unit(at + 2) - 0xdc00);
        at += 6;
      }
      to = put_utf8(to, point);
    } else if (end - at >= 2) {
      const char *escape = strchr(escapes, at[1]);
      *to++ = escape && at[1] >= 'b' ? (uint8_t)escape[1] : at[1];
      at += 2;
    } else {
      break;
    }
  }
  text->len = (size_t)(to - text->ptr);
  *to = 0;
  return true;
}
