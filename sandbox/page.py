"""The pages for people: organizations, and the names of an organization's secrets. Never a value."""

import time
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import quote

from sandbox.directory import Directory
from sandbox.organization import Organization, Secret
from sandbox.wire import Answer, Request

REFRESH_SECONDS = 2
FRESH_SECONDS = 8

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

STYLE = Path(__file__).with_name("style.css").read_bytes()
ICON = Path(__file__).with_name("icon.svg").read_bytes()


def answer_page(directory: Directory, request: Request) -> Answer:
    if request.method != "GET":
        return html(405, "Not allowed", "<h1>These pages can only be looked at</h1>")
    match request.path.split("/"):
        case ["", ""]:
            return html(200, "Organizations", organizations_page(directory), refresh=True)
        case ["", "orgs", org_id] if (organization := directory.find(org_id)) is not None:
            return html(200, organization.name, organization_page(organization), refresh=True)
        case ["", "style.css"]:
            return Answer(200, headers=asset("text/css; charset=utf-8"), body=STYLE)
        case ["", "icon.svg"]:
            return Answer(200, headers=asset("image/svg+xml"), body=ICON)
    return html(404, "Not found", '<h1>Nothing is here</h1><p><a href="/">All organizations</a></p>')


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
    )


def organization_page(organization: Organization) -> str:
    secrets = sorted(organization.secrets(), key=lambda secret: (secret.key or "", secret.position))
    count = f"{len(secrets)} secret{'' if len(secrets) == 1 else 's'}"
    heading = (
        f'<a href="/">All organizations</a><h1>{escape(organization.name)}</h1>'
        f"<p><code>{escape(organization.org_id)}</code> · {count} · as in Devin, values are never shown</p>"
    )
    if not secrets:
        return (
            f'{heading}<div class="card empty">No secrets yet. They appear here as soon as a sync creates them.</div>'
        )
    now = time.time()
    rows = "".join(secret_row(secret, now) for secret in secrets)
    return (
        f'{heading}<div class="card stacked"><table><thead><tr><th>Key</th><th>Type</th><th>Note</th>'
        f"<th>Created (UTC)</th><th>Updated (UTC)</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def secret_row(secret: Secret, now: float) -> str:
    is_fresh = now - (secret.updated_at or secret.created_at) < FRESH_SECONDS
    kinds = badge(secret.secret_type, usual="key-value")
    if secret.access_type != "org":
        kinds += " " + badge(secret.access_type, usual="org")
    key = escape(secret.key) if secret.key is not None else "<i>no key</i>"
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
