"""Plans as the command line prints them: keys and reasons, never values."""

from collections.abc import Iterator
from typing import Any

WORDS = {
    "create": "+ create",
    "replace": "~ replace",
    "rename": "~ rename",
    "hand_over": "> hand over",
    "delete": "- delete",
    "ask": "? asks about",
    "wait": "! cannot delete",
    "hold": "! holds",
    "refuse": "! cannot write",
}


def changes_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [change for change in plan["changes"] if change["action"] != "keep"]


def lines_of(plan: dict[str, Any]) -> Iterator[str]:
    yield from (_line(change) for change in changes_of(plan))
    yield from (f"Note: {warning}" for warning in plan["warnings"])
    yield ", ".join(f"{count} to {name}" for name, count in plan["counts"].items())
    if plan["blocked"]:
        yield f"A run would be blocked. {plan['blocked']['message']}"


def lines_of_sync(told: dict[str, Any]) -> Iterator[str]:
    """What a sync of a file would do, or why nobody can say."""
    for each in told["crossings"]:
        yield f"The {each['what']} changes from {each['before']} to {each['after']}."
    yield from (f"- delete {key}  (removed from the organization that is left)" for key in told["removed"])
    if "problem" in told:
        yield f"! The plan could not be calculated. {told['problem']}"
    elif "plan" in told:
        yield from lines_of(told["plan"])


def _line(change: dict[str, Any]) -> str:
    word, key = WORDS.get(change["action"], change["action"]), change["destinationKey"]
    if change.get("formerKeys"):
        return f"{word} {', '.join(change['formerKeys'])} → {key}"
    reason = ": ".join(filter(None, (change["reason"], change.get("detail"))))
    return f"{word} {key}  ({reason or 'see the sync'})"
