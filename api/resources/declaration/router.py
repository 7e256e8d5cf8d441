"""`/api/v1/sync-declaration`: what `manage.py export` and `apply` do, for runners without a database."""

import functools
from typing import Annotated

from django.db import transaction
from django.http import HttpRequest
from ninja import Query

from api.auth.callers import Bearer, Caller, caller_of
from api.http.errors import BadRequest, Unprocessable, issue
from api.http.queries import OnlyPlan, YesNo
from api.resources import resource
from api.resources.base import with_errors
from api.resources.declaration.rights import PLAN, check_all_rights, check_may_plan, hindrance_of
from api.resources.declaration.schemas import ApplyDeclaration, Compared, DeclarationIn, Exported
from api.resources.syncs.edits import actor_of
from syncs.editing.comparison import compare
from syncs.editing.declaration import Comparison, apply, describe_all
from syncs.editing.document import BadDeclaration, read_document
from syncs.editing.foreseen import outlooks

router = resource("Declaration")

VIEW = ("syncs.view_devinsync", "connections.view_connection")
WithPlans = Annotated[YesNo, Query("false", description="Answer what each sync would do in Devin, too.")]


@router.get("", auth=Bearer(*VIEW, by_place=True), response=with_errors(Exported))
def export_declaration(request: HttpRequest) -> Exported:
    """The connections, syncs and sync sets that the caller sees as a document, without keys and values."""
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
    """Makes connections, syncs and sync sets as a document says, all or none. Deletes what was confirmed, or
    nothing. With `plan=true` nothing is changed: what the document would do is answered, with the plan of each sync."""
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
