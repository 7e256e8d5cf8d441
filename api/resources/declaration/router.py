"""`/api/v1/sync-declaration`: what `manage.py export` and `apply` do, for runners without a database."""

import functools
from collections.abc import Iterator
from typing import Annotated

from django.db import transaction
from django.http import HttpRequest
from ninja import Query

from api.auth.callers import Bearer, Caller, caller_of
from api.http.errors import BadRequest, NotPermitted, Unprocessable, issue
from api.http.queries import OnlyPlan, YesNo
from api.resources import resource
from api.resources.base import with_errors
from api.resources.declaration.schemas import ApplyDeclaration, Compared, DeclarationIn, Exported
from api.resources.syncs.edits import actor_of, check_reader
from connections.models import Connection
from connections.repointing import why_it_stays
from syncs.access import place_of
from syncs.choices import Approval
from syncs.editing.comparison import compare
from syncs.editing.declaration import CHANGE, CREATE, DELETE, Comparison, Difference, apply, describe_all
from syncs.editing.document import BadDeclaration, read_document
from syncs.editing.foreseen import outlooks
from syncs.editing.loosening import LOOSEN, loosens
from syncs.models import DevinSync
from vault.access import Place

router = resource("Declaration")

PLAN = "syncs.plan_devinsync"
VIEW = ("syncs.view_devinsync", "connections.view_connection")
WithPlans = Annotated[YesNo, Query("false", description="Answer what each sync would do in Devin, too.")]
VERBS = {CREATE: "add", CHANGE: "change"}


@router.get("", auth=Bearer(*VIEW, by_place=True), response=with_errors(Exported))
def export_declaration(request: HttpRequest) -> Exported:
    """The connections and syncs that the caller sees as a document, without keys and values."""
    return Exported(document=describe_all(seen_by=caller_of(request).user))


@router.post("/plan", auth=Bearer(*VIEW, by_place=True), response=with_errors(Compared, 413))
def plan_declaration(request: HttpRequest, body: DeclarationIn, plan: WithPlans) -> Compared:
    """What applying a document would do. All that is wrong in it is told at once (422), with its lines. With
    `plan=true` the plan of each sync that differs comes along, for whoever could plan it and apply it."""
    caller = caller_of(request)
    comparison = compared(caller, body)
    if plan == "false":
        return Compared.of(comparison, applied=False)
    hindrance = functools.partial(hindrance_of, caller, removes_secrets=body.remove_secrets)
    return Compared.foreseen(comparison, outlooks(comparison, removes_secrets=body.remove_secrets, hindrance=hindrance))


@router.post("/apply", auth=Bearer(*VIEW, "syncs.change_devinsync", by_place=True), response=with_errors(Compared, 413))
def apply_declaration(request: HttpRequest, body: ApplyDeclaration, plan: OnlyPlan) -> Compared:
    """Makes syncs and connections as a document says, all or none. Deletes what was confirmed, or nothing. With
    `plan=true` nothing is changed: what the document would do is answered, with the plan of each sync."""
    caller = caller_of(request)
    if plan == "true":
        caller.require_somewhere(PLAN)
        comparison = compared(caller, body)
        for difference in comparison.differences:
            check_may_plan(caller, difference)
        check_all_rights(caller, comparison, removes_secrets=body.remove_secrets)
        return Compared.foreseen(comparison, outlooks(comparison, removes_secrets=body.remove_secrets))
    with transaction.atomic():
        comparison = compared(caller, body)
        names = sorted(f"{each.kind} {each.name}" for each in comparison.deletions)
        if names != sorted(set(body.confirmed_deletions)):
            shown = ", ".join(names[:20]) or "nothing"
            raise BadRequest(f"This would delete {shown}, which is not what was confirmed. Look at the plan again.")
        check_all_rights(caller, comparison, removes_secrets=body.remove_secrets)
        try:
            apply(comparison, by=actor_of(caller), removes_secrets=body.remove_secrets)
        except BadDeclaration as error:
            raise as_issues(error) from None
    return Compared.of(comparison, applied=True)


def compared(caller: Caller, body: DeclarationIn) -> Comparison:
    """Whether a key is the one that is stored is told to those alone who could store it."""
    if body.keys:
        caller.require("connections.change_connection")
    try:
        document = read_document(body.document)
        wishes = {"prunes": body.prune, "removes_secrets": body.remove_secrets}
        return compare(document, keys=body.keys, seen_by=caller.user, **wishes)
    except BadDeclaration as error:
        raise as_issues(error) from None


def as_issues(error: BadDeclaration) -> Unprocessable:
    return Unprocessable(*[issue(["document", fault.line], fault.message, "declaration") for fault in error.faults])


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
    """As on the routes of their own."""
    verb = VERBS.get(difference.action, "delete")
    if isinstance(difference.row, Connection):
        caller.require(f"connections.{verb}_connection")
        # Another address, way or key: none of them comes without a key.
        if difference.api_key is not None and (refusal := why_it_stays(difference.row, caller.may)):
            raise NotPermitted(refusal)
        return
    loosening = [LOOSEN] if _asks_for_less_approval(difference, removes_secrets=removes_secrets) else []
    for place in places_of(difference):
        caller.require_at(place, *loosening)
        caller.require_at(place, f"syncs.{verb}_devinsync", *(["syncs.remove_secrets"] if removes_secrets else []))
        if verb != "delete":
            caller.require_at(place, "connections.use_connection")
            check_reader(caller, place)


def check_may_plan(caller: Caller, difference: Difference) -> None:
    for place in places_of(difference):
        caller.require_at(place, PLAN)


def places_of(difference: Difference) -> Iterator[Place]:
    """Where a sync belongs, and where it would belong."""
    row = difference.row
    if not isinstance(row, DevinSync):
        return
    stored = DevinSync.objects.with_source().filter(pk=row.pk).first()
    yield from {place_of(each) for each in (row, stored) if each is not None}


def _asks_for_less_approval(difference: Difference, *, removes_secrets: bool) -> bool:
    if difference.action == DELETE:
        return not removes_secrets and getattr(difference.row, "approval", Approval.NONE) != Approval.NONE
    changed = {name: (now, wanted) for name, now, wanted in difference.fields}
    return difference.action == CHANGE and "approval" in changed and loosens(*changed["approval"])
