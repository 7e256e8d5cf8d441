"""`/api/v1/sync-declaration`: what `manage.py export` and `apply` do, for runners without a database."""

from django.db import transaction
from django.http import HttpRequest

from api.auth.callers import Bearer, Caller, caller_of
from api.http.errors import BadRequest, Unprocessable, issue
from api.resources import resource
from api.resources.base import with_errors
from api.resources.declaration.schemas import ApplyDeclaration, Compared, DeclarationIn, Exported
from api.resources.syncs.edits import actor_of, check_reader
from connections.models import Connection
from syncs.editing.comparison import compare
from syncs.editing.declaration import CHANGE, CREATE, Comparison, Difference, apply, describe_all
from syncs.editing.document import BadDeclaration, read_document

router = resource("Declaration")

VIEW = ("syncs.view_devinsync", "connections.view_connection")
VERBS = {CREATE: "add", CHANGE: "change"}


@router.get("", auth=Bearer(*VIEW), response=with_errors(Exported))
def export_declaration(request: HttpRequest) -> Exported:
    """All connections and syncs as a document, without keys and values."""
    return Exported(document=describe_all())


@router.post("/plan", auth=Bearer(*VIEW), response=with_errors(Compared, 413))
def plan_declaration(request: HttpRequest, body: DeclarationIn) -> Compared:
    """What applying a document would do. All that is wrong in it is told at once (422), with its lines."""
    return Compared.of(compared(caller_of(request), body), applied=False)


@router.post("/apply", auth=Bearer(*VIEW, "syncs.change_devinsync"), response=with_errors(Compared, 413))
def apply_declaration(request: HttpRequest, body: ApplyDeclaration) -> Compared:
    """Makes syncs and connections as a document says, all or none. Deletes what was confirmed, or nothing."""
    caller = caller_of(request)
    with transaction.atomic():
        comparison = compared(caller, body)
        names = sorted(f"{each.kind} {each.name}" for each in comparison.deletions)
        if names != sorted(set(body.confirmed_deletions)):
            shown = ", ".join(names[:20]) or "nothing"
            raise BadRequest(f"This would delete {shown}, which is not what was confirmed. Look at the plan again.")
        for difference in comparison.differences:
            check_rights(caller, difference, removes_secrets=body.remove_secrets)
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
        return compare(document, keys=body.keys, prunes=body.prune, removes_secrets=body.remove_secrets)
    except BadDeclaration as error:
        raise as_issues(error) from None


def as_issues(error: BadDeclaration) -> Unprocessable:
    return Unprocessable(*[issue(["document", fault.line], fault.message, "declaration") for fault in error.faults])


def check_rights(caller: Caller, difference: Difference, *, removes_secrets: bool) -> None:
    """As on the routes of their own."""
    verb = VERBS.get(difference.action, "delete")
    if isinstance(difference.row, Connection):
        caller.require(f"connections.{verb}_connection")
        return
    caller.require(f"syncs.{verb}_devinsync")
    if removes_secrets:
        caller.require("syncs.remove_secrets")
    if verb != "delete":
        caller.require("connections.use_connection")
        check_reader(caller)
