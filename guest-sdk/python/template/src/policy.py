"""Refuses changes between two days, except for those who may make them."""

import json
import re
from datetime import date, datetime, timezone
from typing import Any

from wit_world import exports
from wit_world.imports import call
from wit_world.imports.types import Decision, Description

from bartizan import deny, describe, passes, refuse_settings

KEYS = ("from", "until", "except")

SETTINGS_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "from": {"type": "string", "format": "date", "description": "The first day of the freeze, in UTC. Without it the freeze has begun."},
        "until": {"type": "string", "format": "date", "description": "The first day after it. Without it the freeze has no end."},
        "except": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Principals who may change things all the same.",
        },
    },
}


class Freeze:
    """What `configure` leaves. Every evaluation starts from it."""

    first: date
    until: date
    excepted: list[str]


class Plugin(exports.Plugin):
    def describe(self) -> Description:
        return describe("change-freeze", "0.1.0", "Refuses changes between two days.", SETTINGS_SCHEMA)

    def configure(self, settings: str) -> None:
        given = json.loads(settings)
        if not isinstance(given, dict):
            raise refuse_settings("the settings must be an object with `from` and `until`")
        for key in given:
            if key not in KEYS:
                raise refuse_settings(f"unknown key `{key}`; the keys are `from`, `until` and `except`")
        Freeze.first = day(given, "from", "1970-01-01")
        Freeze.until = day(given, "until", "9999-12-31")
        if Freeze.first >= Freeze.until:
            raise refuse_settings("`until` must be after `from`: it is the first day that is free again")
        excepted = given.get("except", [])
        if not isinstance(excepted, list) or not all(isinstance(name, str) for name in excepted):
            raise refuse_settings('`except` must be a list of principals such as `["release-bot"]`')
        Freeze.excepted = excepted


class Calls(exports.Calls):
    def check(self) -> Decision:
        today = datetime.fromtimestamp(call.time() / 1000, timezone.utc).date()
        if not Freeze.first <= today < Freeze.until or call.principal() in Freeze.excepted or is_read_only():
            return passes()
        return deny(f"Changes are frozen until {Freeze.until}.", rule="freeze")


def day(given: dict[str, Any], key: str, otherwise: str) -> date:
    text = given.get(key, otherwise)
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except (TypeError, ValueError):
        pass
    raise refuse_settings(f"`{key}` must be a day such as `2026-12-20`")


def is_read_only() -> bool:
    """Whether the server says that the tool changes nothing."""
    tool = call.tool()
    if tool is None:
        return False
    annotations = json.loads(tool.definition).get("annotations")
    return isinstance(annotations, dict) and annotations.get("readOnlyHint") is True
