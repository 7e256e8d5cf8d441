"""What a person does on the sandbox's pages: be a stranger in an organization, and let the next request fail.

Forms stand on pages of their own, which are not drawn anew while somebody types. What is sent carries the token of
this process, so that no other page of a browser can send it.
"""

import re
import secrets
from html import escape
from urllib.parse import parse_qsl, quote

from sandbox.audit import STRANGER, Actor
from sandbox.directory import Directory
from sandbox.faults import Faults
from sandbox.organization import Organization, Secret, SecretMissing
from sandbox.wire import Request

TOKEN = secrets.token_urlsafe(24)
ORG_ID = re.compile(r"org-[A-Za-z0-9_-]{1,60}")
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]{0,254}")
LONGEST_NOTE, LONGEST_EMAIL = 1000, 200
# What the next request to an organization meets, by the word on its button.
FAILURES: dict[str, tuple[str, dict[str, object]]] = {
    "busy": ("Answer 503", {"kind": "status", "status": 503}),
    "limited": ("Answer 429, later please", {"kind": "rate_limited", "retry_after": 3}),
    "cut": ("Do it, then cut the connection", {"kind": "cut", "moment": "after"}),
    "refused": ("Refuse the key (401)", {"kind": "status", "status": 401}),
}


class NotDone(Exception):
    """Says what was wrong with what was sent."""


def sent_by(request: Request) -> dict[str, str]:
    """The fields of a form. Raises NotDone where it is not from one of our own pages."""
    fields = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    if not secrets.compare_digest(fields.pop("token", "").encode(), TOKEN.encode()):
        raise NotDone("The form is from before the sandbox was started. Load the page again.")
    return fields


def add_organization(directory: Directory, fields: dict[str, str]) -> str:
    """With an API key of its own. Returns where to go on."""
    org_id = fields.get("org_id", "").strip()
    if not ORG_ID.fullmatch(org_id):
        raise NotDone("An organization ID starts with org-, then letters, digits, - or _: org-second.")
    directory.declare_organization(org_id, fields.get("name", "").strip()[:100])
    directory.declare_key(key_of(org_id), org_id=org_id)
    return page_of(org_id)


def key_of(org_id: str) -> str:
    return f"cog_{org_id}"


def actor_of(fields: dict[str, str]) -> Actor:
    """Whom the audit log is to name."""
    email = fields.get("who", "").strip()[:LONGEST_EMAIL]
    return Actor(user_id=f"user-{email}", user_email=email) if email else STRANGER


def add_stranger(organization: Organization, fields: dict[str, str]) -> str:
    """A secret as another person or tool would make it."""
    key = fields.get("key", "").strip()
    if not KEY.fullmatch(key):
        raise NotDone("A key starts with a letter or _, then letters, digits, _, -, . and /: DB_URL.")
    note = fields.get("note", "")[:LONGEST_NOTE] or None
    organization.put(key=key, value=fields.get("value", ""), note=note, actor=actor_of(fields))
    return page_of(organization.org_id)


def change(organization: Organization, secret_id: str, fields: dict[str, str]) -> str:
    """Another note, or away with it."""
    try:
        if fields.get("do") == "delete":
            organization.delete(secret_id, actor=actor_of(fields))
        else:
            note = fields.get("note", "")[:LONGEST_NOTE] or None
            organization.change(secret_id, note=note, updated_by="stranger", actor=actor_of(fields))
    except SecretMissing:
        raise NotDone("The secret is gone. A sync may have deleted it meanwhile.") from None
    return page_of(organization.org_id)


def fail_next(faults: Faults, organization: Organization, fields: dict[str, str]) -> str:
    name = fields.get("failure", "")
    if name not in FAILURES:
        raise NotDone("Choose one of the failures.")
    options = dict(FAILURES[name][1])
    faults.add(str(options.pop("kind")), org=organization.org_id, **options)
    return page_of(organization.org_id)


def page_of(org_id: str) -> str:
    return f"/orgs/{quote(org_id, safe='')}"


def page_of_secret(org_id: str, secret_id: str) -> str:
    return f"{page_of(org_id)}/secrets/{quote(secret_id, safe='')}"


# Pages


def form(address: str, inner: str) -> str:
    token = f'<input type="hidden" name="token" value="{TOKEN}">'
    return f'<form method="post" action="{escape(address)}">{token}{inner}</form>'


def field(name: str, label: str, *, value: str = "", hint: str = "") -> str:
    told = f" <small>{escape(hint)}</small>" if hint else ""
    return f'<label>{escape(label)}{told}<input name="{name}" value="{escape(value)}" autocomplete="off"></label>'


def who_field(fields: dict[str, str]) -> str:
    email = fields.get("who", STRANGER.user_email or "")
    return field("who", "Who does it", value=email, hint="an email address, for the audit log")


def organization_form(fields: dict[str, str], problem: str = "") -> str:
    inner = (
        field("org_id", "Organization ID", value=fields.get("org_id", "org-"), hint="such as org-second")
        + field("name", "Name", value=fields.get("name", ""))
        + "<button>Add organization</button>"
    )
    return (
        f'<a href="/">All organizations</a><h1>Add an organization</h1>{told(problem)}'
        "<p>It gets an API key of its own: <code>cog_</code> and its ID. Both are there until the sandbox stops.</p>"
        f'<div class="card padded">{form("/add", inner)}</div>'
    )


def stranger_form(organization: Organization, fields: dict[str, str], problem: str = "") -> str:
    inner = (
        field("key", "Key", value=fields.get("key", ""), hint="as somebody else would name it")
        + field("value", "Value", hint="is never shown again")
        + field("note", "Note", value=fields.get("note", ""))
        + who_field(fields)
        + "<button>Add secret</button>"
    )
    address = page_of(organization.org_id)
    return (
        f'<a href="{address}">{escape(organization.name)}</a><h1>Add a secret as a stranger</h1>{told(problem)}'
        "<p>DevinSync did not write it: watch what its syncs make of it.</p>"
        f'<div class="card padded">{form(f"{address}/add", inner)}</div>'
    )


def secret_form(organization: Organization, secret: Secret) -> str:
    inner = (
        field("note", "Note", value=secret.note or "", hint="DevinSync knows its own secrets by it")
        + who_field({})
        + '<button>Save the note</button> <button name="do" value="delete" class="danger">Delete the secret</button>'
    )
    address = page_of(organization.org_id)
    return (
        f'<a href="{address}">{escape(organization.name)}</a>'
        f"<h1><code>{escape(secret.key or 'no key')}</code></h1>"
        "<p>Done here, it is done behind the back of DevinSync, which notices at its next run.</p>"
        f'<div class="card padded">{form(page_of_secret(organization.org_id, secret.secret_id), inner)}</div>'
    )


def failures(faults: Faults, organization: Organization) -> str:
    """The buttons, and how many failures wait for a request."""
    waiting = sum(
        rule.times - rule.met
        for rule in faults.rules()
        if rule.org == organization.org_id and rule.times is not None and rule.times > rule.met
    )
    buttons = " ".join(
        f'<button name="failure" value="{name}">{escape(label)}</button>' for name, (label, _) in FAILURES.items()
    )
    said = f"<p><b>{waiting} waiting</b>: the next requests to this organization meet them.</p>" if waiting else ""
    return (
        '<div class="card padded"><h2>Let the next request fail</h2>'
        f"{form(f'{page_of(organization.org_id)}/fail', buttons)}{said}</div>"
    )


def told(problem: str) -> str:
    return f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
