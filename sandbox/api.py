"""The routes of the Devin API: `/v3/self`, an organization's secrets and audit log; `enterprise` and `service_users`
have those of their names. Answers never hold a value."""

from dataclasses import dataclass, field
from typing import Any

from sandbox import service_users
from sandbox.audit import STRANGER, list_events
from sandbox.directory import ApiKey, Directory
from sandbox.enterprise import AUDIT_LOGS, NO_AUDIT_LOG, ORGANIZATIONS, ROUTES, list_organizations
from sandbox.enterprise import NO_PERMISSION as NO_ENTERPRISE_PERMISSION
from sandbox.faults import Kind
from sandbox.listing import Cursor, list_page
from sandbox.organization import Duplicates, KeyTaken, Organization, SecretMissing, ValueRefused
from sandbox.query import QueryRefused, asked_for
from sandbox.settings import Settings
from sandbox.wire import Answer, Request

SECRET_TYPES = ("cookie", "key-value", "totp")
NO_PERMISSION = "Missing the permission ManageOrgSecrets on this organization"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to the API, understood as far as it can be before anything is allowed or refused."""

    method: str
    path: str
    query: str
    org_id: str | None
    secret_id: str | None
    caller: ApiKey | None
    body: Any = field(repr=False)
    key: str | None = None
    note: str | None = None

    @property
    def is_first_page(self) -> bool:
        is_list = self.method == "GET" and self.org_id is not None and not self.is_about_audit
        return is_list and "after=" not in self.query

    @property
    def is_about_audit(self) -> bool:
        return self.path in (AUDIT_LOGS, f"/v3/organizations/{self.org_id}/audit-logs")


def understand(directory: Directory, request: Request) -> Call:
    directory.note_use(bearer_of(request))
    org_id, secret_id = ids_in(request.path)
    body = request.json() if request.method == "POST" else None
    key, note = described_by(directory, org_id, secret_id, body)
    return Call(
        method=request.method,
        path=request.path,
        query=request.query,
        org_id=org_id,
        secret_id=secret_id,
        caller=directory.key_for(bearer_of(request)),
        body=body,
        key=key,
        note=note,
    )


def ids_in(path: str) -> tuple[str | None, str | None]:
    """Organization and secret that a path names."""
    match path.split("/"):
        case ["", "v3", "organizations", org_id, "secrets"]:
            return org_id, None
        case ["", "v3", "organizations", org_id, "secrets", secret_id]:
            return org_id, secret_id
        case ["", "v3", "organizations", org_id, "audit-logs"]:
            return org_id, None
    return None, None


def bearer_of(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def described_by(
    directory: Directory, org_id: str | None, secret_id: str | None, body: Any
) -> tuple[str | None, str | None]:
    """Key and note that a request is about: from its body, or those of the secret that it names."""
    if isinstance(body, dict):
        key, note = body.get("key"), body.get("note")
        return (key if isinstance(key, str) else None), (note if isinstance(note, str) else None)
    organization = directory.find(org_id) if org_id and secret_id else None
    if organization and secret_id:
        try:
            secret = organization.get(secret_id)
        except SecretMissing:
            return None, None
        return secret.key, secret.note
    return None, None


def carry_out(directory: Directory, settings: Settings, call: Call, lie: Kind | None = None) -> Answer:
    organization = directory.find(call.org_id) if call.org_id else None
    settled = (
        refusal(call, organization) or of_service_users(directory, call) or beside_secrets(directory, settings, call)
    )
    if settled is not None:
        return settled
    match organization, call.method, call.secret_id:
        case None, "GET", _ if call.caller:
            return Answer(200, call.caller.as_self())
        case Organization(), "GET", None:
            return list_secrets(organization, settings, call, lie)
        case Organization(), "POST", None:
            return create_secret(organization, settings, call)
        case Organization(), "DELETE", str(secret_id):
            return delete_secret(organization, call, secret_id)
    return problem(405, "Method Not Allowed")


def refusal(call: Call, organization: Organization | None) -> Answer | None:
    """Why the caller gets nothing here, whatever it asks; None where it may ask."""
    if call.caller is None or call.caller.has_expired:
        said = "The API key has expired" if call.caller else "Invalid or missing API key"
        return problem(401, said, {"WWW-Authenticate": "Bearer"})
    if call.path in ("/v3/self", *ROUTES) or service_users.is_for(call.path):
        return None
    if call.org_id is None:
        return problem(404, "Not Found")
    if organization is None:
        return problem(404, "Organization not found")
    if not (call.caller.reaches(call.org_id) or call.is_about_audit):
        return problem(403, NO_PERMISSION)
    return None


def of_service_users(directory: Directory, call: Call) -> Answer | None:
    """None for other routes than theirs."""
    if call.caller is None or not service_users.is_for(call.path):
        return None
    try:
        status, content = service_users.answer(directory, call.caller, call)
    except service_users.Refused as refused:
        return problem(refused.status, refused.detail)
    return Answer(status, content, has_committed=call.method != "GET")


def beside_secrets(directory: Directory, settings: Settings, call: Call) -> Answer | None:
    """None for the routes of secrets, and for what no other takes."""
    if call.caller is None or call.method != "GET" or not (call.path == ORGANIZATIONS or call.is_about_audit):
        return problem(405, "Method Not Allowed") if call.is_about_audit else None
    try:
        if call.is_about_audit:
            return audit_log(directory, settings, call, call.caller)
        if not call.caller.lists_organizations:
            return problem(403, NO_ENTERPRISE_PERMISSION)
        return Answer(200, list_organizations(directory, settings, call.query))
    except QueryRefused as refused:
        return invalid("query", refused.name, refused.reason)


def audit_log(directory: Directory, settings: Settings, call: Call, caller: ApiKey) -> Answer:
    """Of the organization in the path, or of all: that takes a key of the whole enterprise."""
    if not caller.reads_audit_log(call.org_id):
        return problem(403, NO_AUDIT_LOG)
    logs = [each.audit_log for each in directory.organizations() if call.org_id in (None, each.org_id)]
    return Answer(200, list_events(logs, call.query, page_size=settings.page_size))


def list_secrets(organization: Organization, settings: Settings, call: Call, lie: Kind | None) -> Answer:
    try:
        first, after = asked_for(call.query)
        cursor = Cursor.decode(after) if after else Cursor(lie=lie)
    except QueryRefused as refused:
        return invalid("query", refused.name, refused.reason)
    return Answer(200, list_page(organization, settings, first=first, cursor=cursor))


def create_secret(organization: Organization, settings: Settings, call: Call) -> Answer:
    wrong = wrong_field(call.body)
    if wrong is not None:
        return invalid("body", *wrong)
    try:
        secret = organization.create(
            key=call.body["key"],
            value=call.body["value"],
            note=call.body.get("note"),
            secret_type=call.body["type"],
            is_sensitive=call.body.get("is_sensitive", True),
            by=call.caller.principal_id if call.caller else "",
            actor=call.caller.actor if call.caller else STRANGER,
            duplicates=settings.duplicates,
        )
    except ValueRefused:
        return invalid("body", "value", "Value error, the value is invalid")
    except KeyTaken:
        status = 422 if settings.duplicates is Duplicates.REJECT_422 else 409
        return problem(status, "A secret with this key already exists in the organization")
    return Answer(200, secret.as_item(), has_committed=True)


def delete_secret(organization: Organization, call: Call, secret_id: str) -> Answer:
    try:
        secret = organization.delete(secret_id, actor=call.caller.actor if call.caller else STRANGER)
    except SecretMissing:
        # The real API answers a missing secret and a missing permission alike.
        return problem(403, NO_PERMISSION)
    return Answer(200, secret.as_item(), has_committed=True)


def wrong_field(body: Any) -> tuple[str, str] | None:
    """The first field of a create that is not as it must be, with the reason."""
    if not isinstance(body, dict):
        return "", "Input should be a valid JSON object"
    for name in ("type", "key", "value"):
        if name not in body:
            return name, "Field required"
        if not isinstance(body[name], str):
            return name, "Input should be a valid string"
    checks = {
        "type": (body["type"] in SECRET_TYPES, "Input should be 'cookie', 'key-value' or 'totp'"),
        "key": (body["key"] != "", "String should have at least 1 character"),
        "note": (isinstance(body.get("note"), str | None), "Input should be a valid string"),
        "is_sensitive": (isinstance(body.get("is_sensitive", True), bool), "Input should be a valid boolean"),
    }
    return next(((name, message) for name, (is_right, message) in checks.items() if not is_right), None)


def problem(status: int, detail: object, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, {"detail": detail}, headers or {})


def invalid(place: str, name: str, message: str) -> Answer:
    """A 422 in FastAPI's form, without the input that it usually repeats."""
    kind = "missing" if message == "Field required" else "value_error"
    return problem(422, [{"type": kind, "loc": [place, name] if name else [place], "msg": message}])
