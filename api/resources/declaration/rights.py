"""What applying each part of a document takes: what it takes on the routes of its own."""

from collections.abc import Iterator

from django.db.models import Model

from api.auth.callers import Caller
from api.http.errors import NotPermitted
from api.resources.sync_sets.edits import check_scopes
from api.resources.syncs.edits import USE, check_reader
from connections.models import Connection
from connections.repointing import why_it_stays
from fleets.choices import WhenLeft
from fleets.editing import EDITABLE
from fleets.models import SyncSet
from syncs.access import place_of
from syncs.choices import LOOSEN, Approval, loosens
from syncs.editing.declaration import CHANGE, CREATE, DELETE, Comparison, Difference
from syncs.editing.loosening import forgets
from syncs.editing.moves import Place as Destination
from syncs.models import DevinSync
from vault.access import Place

PLAN, REMOVE = "syncs.plan_devinsync", "syncs.remove_secrets"
VERBS = {CREATE: "add", CHANGE: "change"}


def check_all_rights(caller: Caller, comparison: Comparison, *, removes_secrets: bool) -> None:
    for difference in comparison.differences:
        check_rights(caller, difference, removes_secrets=removes_secrets)


def hindrance_of(caller: Caller, difference: Difference, *, removes_secrets: bool) -> str:
    """A plan tells what is in the source, and asks Devin by the document's connection: for those who could apply it."""
    try:
        check_may_plan(caller, difference)
        check_rights(caller, difference, removes_secrets=removes_secrets)
    except NotPermitted as error:
        return str(error)
    return ""


def check_rights(caller: Caller, difference: Difference, *, removes_secrets: bool) -> None:
    verb, row = VERBS.get(difference.action, "delete"), difference.row
    if isinstance(row, Connection):
        caller.require(f"connections.{verb}_connection")
        # Another address, way or key: none of them comes without a key.
        if difference.api_key is not None and (refusal := why_it_stays(row, caller.may)):
            raise NotPermitted(refusal)
        return
    loosening = [LOOSEN] if _asks_for_less_approval(difference, removes_secrets=removes_secrets) else []
    for place in places_of(difference):
        caller.require_at(place, *loosening)
        caller.require_at(place, f"syncs.{verb}_devinsync", *([REMOVE] if removes_secrets else []))
        if isinstance(row, SyncSet):
            _check_set(caller, difference, row, place)
        elif verb != "delete":
            caller.require_at(place, USE)
            check_reader(caller, place)


def _check_set(caller: Caller, difference: Difference, row: SyncSet, place: Place) -> None:
    """What its owner lacks, `fleets` says; here, what the scopes leave."""
    if difference.action == CREATE:
        caller.require_at(place, USE, *([REMOVE] if row.when_left == WhenLeft.REMOVE else []))
        # What is said of one organization alone is a change.
        caller.require_at(place, *(["syncs.change_devinsync"] if difference.more else []))
    elif difference.action == CHANGE and (stored := SyncSet.objects.with_source().filter(pk=row.pk).first()):
        check_scopes(caller, stored, {name: getattr(row, name) for name in EDITABLE})


def check_may_plan(caller: Caller, difference: Difference) -> None:
    for place in places_of(difference):
        caller.require_at(place, PLAN)


def places_of(difference: Difference) -> Iterator[Place]:
    """Where a sync or a set belongs, and where it would belong."""
    row = difference.row
    if not isinstance(row, DevinSync | SyncSet):
        return
    stored = type(row).objects.with_source().filter(pk=row.pk).first()
    yield from {place_of(each) for each in (row, stored) if each is not None}


def _asks_for_less_approval(difference: Difference, *, removes_secrets: bool) -> bool:
    if difference.action == DELETE:
        return not removes_secrets and getattr(difference.row, "approval", Approval.NONE) != Approval.NONE
    if difference.action != CHANGE:
        return False
    changed = {name: (now, wanted) for name, now, wanted in difference.fields}
    asks_for_less = "approval" in changed and loosens(*changed["approval"])
    return asks_for_less or (not removes_secrets and _forgets(difference.row))


def _forgets(row: Model) -> bool:
    stored = DevinSync.objects.select_related("connection").filter(pk=row.pk).first()
    return isinstance(row, DevinSync) and stored is not None and forgets(stored, Destination.of(row))
