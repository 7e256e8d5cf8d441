"""Plans as commands print them: keys and reasons, never values."""

from collections.abc import Iterator
from typing import Any

from connections.devin.errors import DevinError
from connections.models import Connection
from encryption import DecryptionError
from syncs.editing.crossings import crossings
from syncs.editing.declaration import DELETE, Comparison, Difference
from syncs.editing.moves import Place
from syncs.engine.changes import Change, Create, Delete, HandOver, Rename, Replace
from syncs.engine.preview import Preview, preview
from syncs.errors import SyncError
from syncs.models import DevinSync
from syncs.renames import told_rename

SIGNS: dict[type, str] = {
    Create: "+ create",
    Replace: "~ replace",
    Rename: "~ rename",
    HandOver: "> hand over",
    Delete: "- delete",
}


def lines_of(found: Preview) -> Iterator[str]:
    plan = found.plan
    yield from (_line(change) for change in plan.changes)
    yield from (f"? asks about {asked.destination_key}  ({asked.reason})" for asked in plan.asked)
    yield from (f"! cannot delete {each.destination_key}  ({each.reason})" for each in plan.waiting)
    yield from (f"! holds {held.destination_key}  ({held.reason}: {held.by.problem})" for held in plan.held_back)
    yield from (f"! cannot write {refusal.destination_key}  ({refusal.reason})" for refusal in plan.refusals)
    yield from (f"Note: {warning}" for warning in plan.warnings)
    yield str(plan)
    if found.blocked is not None:
        yield f"A run would be blocked. {found.blocked.message}"


def _line(change: Change) -> str:
    if isinstance(change, Rename):
        return f"{SIGNS[Rename]} {told_rename(change.former_keys, change.destination_key)}"
    return f"{SIGNS[type(change)]} {change.destination_key}  ({change.reason})"


def as_json(found: Preview) -> dict[str, Any]:
    plan = found.plan
    words: list[tuple[str, Any]] = [(SIGNS[type(change)][2:], change) for change in plan.changes]
    words += [("ask", each) for each in plan.asked] + [("cannot delete", each) for each in plan.waiting]
    words += [("hold", each) for each in plan.held_back]
    words += [("cannot write", each) for each in plan.refusals]
    return {
        "changes": [
            {"action": word, "destinationKey": change.destination_key, "reason": change.reason}
            | ({"formerKeys": list(change.former_keys)} if isinstance(change, Rename) else {})
            for word, change in words
        ],
        "counts": dict(plan.counts),
        "warnings": list(plan.warnings),
        "blocked": found.blocked.message if found.blocked else None,
    }


class Foreseen:
    """What the differences of a document would do in Devin, each by itself. Nothing is saved."""

    def __init__(self, comparison: Comparison, *, removes_secrets: bool) -> None:
        self.removes_secrets = removes_secrets
        for difference in comparison.differences:
            if isinstance(difference.row, Connection) and difference.api_key is not None:
                # Syncs of the document look through it, by the key that would be stored.
                difference.row.set_api_key(difference.api_key)

    def lines(self, difference: Difference) -> Iterator[str]:
        told = self._foresee(difference)
        yield from told.get("crossings", [])
        yield from (f"- delete {key}  (removed from the organization that is left)" for key in told.get("removed", []))
        if "problem" in told:
            yield f"! The plan could not be calculated. {told['problem']}"
        elif "preview" in told:
            yield from lines_of(told["preview"])

    def all_as_json(self, comparison: Comparison) -> list[dict[str, Any]]:
        """By the names of the differences; for syncs alone."""
        syncs = [each for each in comparison.differences if isinstance(each.row, DevinSync)]
        return [{"name": each.name} | self._as_json(each) for each in syncs]

    def _as_json(self, difference: Difference) -> dict[str, Any]:
        told = self._foresee(difference)
        found = told.pop("preview", None)
        return told | ({"plan": as_json(found)} if found is not None else {})

    def _foresee(self, difference: Difference) -> dict[str, Any]:
        """Nothing for what is no sync."""
        row = difference.row
        if not isinstance(row, DevinSync):
            return {}
        before = DevinSync.objects.with_source().select_related("connection").filter(pk=row.pk).first()
        moves = difference.action == DELETE or (
            before is not None and not Place.of(before).is_same_organization(Place.of(row))
        )
        told: dict[str, Any] = {"crossings": [str(each) for each in crossings(before, row)] if before else []}
        if before is not None and moves and self.removes_secrets:
            rows = Place.of(before).secrets_of(before).order_by("destination_key")
            told["removed"] = list(rows.values_list("destination_key", flat=True))
        return told if difference.action == DELETE else told | _drawn(row)


def _drawn(sync: DevinSync) -> dict[str, Any]:
    try:
        return {"preview": preview(sync)}
    except (SyncError, DevinError, DecryptionError) as error:
        return {"problem": str(error)}
