"""The pages for people: organizations, the names of their secrets, and forms to be a stranger by. Never a value."""

import time
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import quote, unquote

from sandbox import hand, key_pages
from sandbox.control import is_here
from sandbox.directory import Directory
from sandbox.faults import Faults
from sandbox.organization import Organization, Secret, SecretMissing
from sandbox.wire import Answer, Request
from sandbox.world import World

REFRESH_SECONDS = 2
FRESH_SECONDS = 8

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

STYLE = Path(__file__).with_name("style.css").read_bytes()
ICON = Path(__file__).with_name("icon.svg").read_bytes()
ASSETS = {"style.css": ("text/css; charset=utf-8", STYLE), "icon.svg": ("image/svg+xml", ICON)}


def answer_page(world: World, request: Request, peer: str) -> Answer:
    try:
        if request.method == "POST":
            return act(world, request, peer)
        if request.method == "GET":
            return look(world, request)
    except LookupError:
        return html(404, "Not found", '<h1>Nothing is here</h1><p><a href="/">All organizations</a></p>')
    return html(405, "Not allowed", "<h1>These pages are looked at, and their forms sent</h1>")


def look(world: World, request: Request) -> Answer:
    match [unquote(part) for part in request.path.split("/")]:
        case ["", ""]:
            return html(200, "Organizations", organizations_page(world.directory), refresh=True)
        case ["", "add" | "keys" as name]:
            is_form = name == "add"
            content = hand.organization_form({}) if is_form else key_pages.keys_page(world.directory, clock)
            return html(200, "Add an organization" if is_form else "API keys", content)
        case ["", "orgs", org_id]:
            organization = world.organization(org_id)
            return html(200, organization.name, organization_page(organization, world.faults), refresh=True)
        case ["", "orgs", org_id, "add"]:
            return html(200, "Add a secret", hand.stranger_form(world.organization(org_id), {}))
        case ["", "orgs", org_id, "secrets", secret_id]:
            return secret_page(world.organization(org_id), secret_id)
        case ["", name] if name in ASSETS:
            return Answer(200, headers=asset(ASSETS[name][0]), body=ASSETS[name][1])
    raise LookupError(request.path)


def secret_page(organization: Organization, secret_id: str) -> Answer:
    try:
        secret = organization.get(secret_id)
    except SecretMissing:
        raise LookupError(secret_id) from None
    return html(200, secret.key or "Secret", hand.secret_form(organization, secret))


def act(world: World, request: Request, peer: str) -> Answer:
    """Does what a form says, for a browser of this machine, and leads on; shows the form again where it can't."""
    if not is_here(request, peer):
        return html(403, "Not allowed", "<h1>The forms are for this machine alone</h1>")
    fields: dict[str, str] = {}
    try:
        fields = hand.sent_by(request)
        done = carry_out(world, request, fields)
        if isinstance(done, key_pages.Made):
            return html(200, done.key.key_name, done.page())
        return Answer(303, headers={"Location": done, **SECURITY_HEADERS}, body=b"")
    except hand.NotDone as error:
        return html(400, "Not done", form_again(world, request, fields, str(error)))


def carry_out(world: World, request: Request, fields: dict[str, str]) -> str | key_pages.Made:
    match [unquote(part) for part in request.path.split("/")]:
        case ["", "add"]:
            return hand.add_organization(world.directory, fields)
        case ["", "keys", key_id]:
            return key_pages.change_key(world.directory, key_id, fields)
        case ["", "keys", "users", user]:
            return key_pages.change_user(world.directory, user, fields)
        case ["", "orgs", org_id, "add"]:
            return hand.add_stranger(world.organization(org_id), fields)
        case ["", "orgs", org_id, "fail"]:
            return hand.fail_next(world.faults, world.organization(org_id), fields)
        case ["", "orgs", org_id, "secrets", secret_id]:
            return hand.change(world.organization(org_id), secret_id, fields)
    raise LookupError(request.path)


def form_again(world: World, request: Request, fields: dict[str, str], problem: str) -> str:
    match [unquote(part) for part in request.path.split("/")]:
        case ["", "add"]:
            return hand.organization_form(fields, problem)
        case ["", "orgs", org_id, "add"]:
            return hand.stranger_form(world.organization(org_id), fields, problem)
    return f'<h1>Not done</h1>{hand.told(problem)}<p><a href="/">All organizations</a></p>'


def organizations_page(directory: Directory) -> str:
    rows = "".join(
        f'<tr><td class="key"><a href="/orgs/{quote(organization.org_id, safe="")}">{escape(organization.org_id)}</a>'
        f"</td><td>{escape(organization.name)}</td><td>{len(organization.secrets())}</td></tr>"
        for organization in directory.organizations()
    )
    return (
        "<h1>Organizations</h1><p>Each stands for a Devin organization. Open one to watch its secrets arrive.</p>"
        '<div class="card"><table><thead><tr><th>Organization ID</th><th>Name</th><th>Secrets</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        '<p><a href="/add">Add an organization</a> · <a href="/keys">API keys</a></p>'
    )


def organization_page(organization: Organization, faults: Faults) -> str:
    secrets = sorted(organization.secrets(), key=lambda secret: (secret.key or "", secret.position))
    count = f"{len(secrets)} secret{'' if len(secrets) == 1 else 's'}"
    heading = (
        f'<a href="/">All organizations</a><h1>{escape(organization.name)}</h1>'
        f"<p><code>{escape(organization.org_id)}</code> · {count} · as in Devin, values are never shown</p>"
        f'<p><a href="{hand.page_of(organization.org_id)}/add">Add a secret as a stranger</a></p>'
    )
    below = hand.failures(faults, organization)
    if not secrets:
        empty = "No secrets yet. They appear here as soon as a sync creates them."
        return f'{heading}<div class="card empty">{empty}</div>{below}'
    now = time.time()
    rows = "".join(secret_row(organization.org_id, secret, now) for secret in secrets)
    return (
        f'{heading}<div class="card stacked"><table><thead><tr><th>Key</th><th>Type</th><th>Note</th>'
        f"<th>Created (UTC)</th><th>Updated (UTC)</th></tr></thead><tbody>{rows}</tbody></table></div>{below}"
    )


def secret_row(org_id: str, secret: Secret, now: float) -> str:
    is_fresh = now - (secret.updated_at or secret.created_at) < FRESH_SECONDS
    kinds = badge(secret.secret_type, usual="key-value")
    if secret.access_type != "org":
        kinds += " " + badge(secret.access_type, usual="org")
    name = escape(secret.key) if secret.key is not None else "<i>no key</i>"
    key = f'<a href="{hand.page_of_secret(org_id, secret.secret_id)}">{name}</a>'
    return (
        f'<tr{" class=fresh" if is_fresh else ""}><td class="key">{key}</td><td>{kinds}</td>'
        f'<td class="note">{escape(secret.note or "")}</td>'
        f'<td class="time" data-label="Created">{clock(secret.created_at)}</td>'
        f'<td class="time" data-label="Updated">{clock(secret.updated_at)}</td></tr>'
    )


def badge(text: str, *, usual: str) -> str:
    return f'<span class="badge{"" if text == usual else " other"}">{escape(text)}</span>'


def clock(seconds: int | None) -> str:
    if seconds is None:
        return "not since"
    moment = datetime.fromtimestamp(seconds, UTC)
    return f'<time datetime="{moment.isoformat()}">{moment:%Y-%m-%d %H:%M:%S}</time>'


def html(status: int, title: str, content: str, *, refresh: bool = False) -> Answer:
    meta = f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">' if refresh else ""
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · Devin sandbox</title>'
        f"{meta}"
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="/icon.svg">'
        '<link rel="stylesheet" href="/style.css"></head><body><header><img src="/icon.svg" alt=""><b>Devin sandbox</b>'
        f"<span>a local stand-in, nothing leaves this machine</span></header><main>{content}</main></body></html>"
    )
    return Answer(
        status,
        headers={"Content-Type": "text/html; charset=utf-8", **SECURITY_HEADERS},
        body=page.encode("utf-8", "replace"),
    )


def asset(content_type: str) -> dict[str, str]:
    return {"Content-Type": content_type, **SECURITY_HEADERS, "Cache-Control": "max-age=300"}
