"""What a policy in Python is written with, beside the contract itself (`wit_world`).

These fill what the contract requires and a policy seldom sets.
"""

import json
from typing import Any, Optional, Sequence

from componentize_py_types import Err
from wit_world.imports.types import (
    Approval,
    Charge,
    Decision,
    Denial,
    Description,
    Interest,
    Note,
    Scope,
    Unit,
    Verdict,
    Verdict_Ask,
    Verdict_Deny,
    Verdict_Pass,
    Verdict_Rewrite,
    Window,
    Window_Fixed,
    Window_Sliding,
)

__all__ = [
    "Interest",
    "Scope",
    "Unit",
    "Window_Fixed",
    "Window_Sliding",
    "ask",
    "charge",
    "deny",
    "describe",
    "note",
    "passes",
    "refuse_settings",
    "rewrite",
]


def passes(charges: Sequence[Charge] = (), notes: Sequence[Note] = ()) -> Decision:
    """No objection."""
    return _decision(Verdict_Pass(), charges, notes)


def deny(
    message: str,
    rule: Optional[str] = None,
    retry_after: Optional[int] = None,
    notes: Sequence[Note] = (),
) -> Decision:
    """Refuses, with a reason for the agent."""
    return _decision(Verdict_Deny(Denial(message, rule, retry_after)), (), notes)


def ask(
    message: str,
    rule: Optional[str] = None,
    expires_after: Optional[int] = None,
    charges: Sequence[Charge] = (),
    notes: Sequence[Note] = (),
) -> Decision:
    """Lets a human decide."""
    return _decision(Verdict_Ask(Approval(message, rule, expires_after)), charges, notes)


def rewrite(text: str, charges: Sequence[Charge] = (), notes: Sequence[Note] = ()) -> Decision:
    """Goes on with other arguments, or another result: JSON text."""
    return _decision(Verdict_Rewrite(text), charges, notes)


def charge(
    counter: str,
    limit: str,
    window: Window,
    cost: str = "1",
    scope: Scope = Scope.SESSION,
    message: Optional[str] = None,
    rule: Optional[str] = None,
    counts_errors: bool = False,
) -> Charge:
    """Quota that the call takes: `cost` out of `limit` in a window, decimal numbers as text."""
    return Charge(counter, scope, cost, limit, window, message, rule, counts_errors)


def note(key: str, value: Any) -> Note:
    """A note for the audit record: anything that JSON has."""
    return Note(key, json.dumps(value))


def describe(
    name: str,
    version: str,
    summary: str,
    settings_schema: dict[str, Any],
    interests: Optional[list[Interest]] = None,
    asks: Sequence[str] = (),
) -> Description:
    """What the plugin says of itself. It judges every call of a tool unless `interests` says otherwise."""
    if interests is None:
        interests = [Interest(methods=["tools/call"], targets=[])]
    metadata = json.dumps({"sdk": "bartizan python"})
    return Description(name, version, summary, json.dumps(settings_schema), interests, list(asks), metadata)


def refuse_settings(why: str) -> Err[str]:
    """To be raised in `configure`: `raise refuse_settings("…")`."""
    return Err(why)


def _decision(verdict: Verdict, charges: Sequence[Charge], notes: Sequence[Note]) -> Decision:
    return Decision(verdict, list(charges), list(notes))
