"""The page of API keys: whose they are and what became of them, and forms to do what somebody in Devin might.

A token is shown once, by the page that makes its key.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from itertools import groupby
from urllib.parse import quote

from sandbox.directory import MANAGE_SERVICE_USERS, ApiKey, Directory
from sandbox.hand import NotDone, field, form
from sandbox.service_users import LONGEST_NAME, status_of

PAGE = "/keys"
Clock = Callable[[int | None], str]


@dataclass(frozen=True)
class Made:
    """A key that a form has made."""

    key: ApiKey

    def page(self) -> str:
        return (
            f'<a href="{PAGE}">All API keys</a><h1>{escape(self.key.key_name)}</h1>'
            f"<p>An API key of <b>{escape(self.key.name)}</b>. Copy it now, it is never shown again.</p>"
            f'<div class="card padded"><code>{escape(self.key.token)}</code></div>'
        )


def keys_page(directory: Directory, clock: Clock) -> str:
    keys = sorted(directory.all_keys(), key=lambda key: (key.name, key.principal_id))
    groups = [(user, list(found)) for user, found in groupby(keys, key=lambda key: key.principal_id)]
    return (
        '<a href="/">All organizations</a><h1>API keys</h1>'
        "<p>Each service user may have several that live at once. What is done here is done behind the back of "
        "DevinSync.</p>" + "".join(user_card(directory, user, found, clock) for user, found in groups)
    )


def user_card(directory: Directory, user: str, keys: list[ApiKey], clock: Clock) -> str:
    rows = "".join(key_row(directory, key, clock) for key in keys)
    where = keys[0].org_id or "all organizations"
    return (
        f'<div class="card stacked"><h2>{escape(keys[0].name)}</h2><p><code>{escape(user)}</code> · {escape(where)} · '
        f"{escape(', '.join(sorted(keys[0].permissions)) or 'no permission')}</p>"
        "<table><thead><tr><th>Name</th><th>State</th><th>Created (UTC)</th><th>Expires (UTC)</th>"
        f"<th>Last used (UTC)</th><th></th></tr></thead><tbody>{rows}</tbody></table>{user_forms(user, keys)}</div>"
    )


def key_row(directory: Directory, key: ApiKey, clock: Clock) -> str:
    expires = clock(key.expires_at) if key.expires_at else "never"
    used = clock(directory.last_used_at(key)) if directory.last_used_at(key) else "not yet"
    return (
        f'<tr><td class="key">{escape(key.key_name)}<br><code>{escape(key.key_id)}</code></td>'
        f"<td>{status_of(key)}</td>"
        f'<td class="time" data-label="Created">{clock(key.created_at)}</td>'
        f'<td class="time" data-label="Expires">{expires}</td><td class="time" data-label="Last used">{used}</td>'
        f"<td>{key_forms(key)}</td></tr>"
    )


def key_forms(key: ApiKey) -> str:
    if not key.is_active:
        return ""
    buttons = '<button name="do" value="expire">Expire now</button> <button name="do" value="revoke">Revoke</button>'
    return form(f"{PAGE}/{quote(key.key_id, safe='')}", buttons)


def user_forms(user: str, keys: list[ApiKey]) -> str:
    if keys[0].principal_type != "service_user":
        return ""
    may = MANAGE_SERVICE_USERS in keys[0].permissions
    word = "Forbid it to manage API keys" if may else "Let it manage API keys"
    inner = (
        field("name", "Name of another key", hint="such as Replacement")
        + '<button name="do" value="make">Make an API key</button> '
        + f'<button name="do" value="{"forbid" if may else "allow"}">{word}</button>'
    )
    return f'<div class="padded">{form(f"{PAGE}/users/{quote(user, safe=str())}", inner)}</div>'


def change_key(directory: Directory, key_id: str, fields: dict[str, str]) -> str:
    """Revoke it, or let its time be over. Returns where to go on."""
    key = next((key for key in directory.all_keys() if key.key_id == key_id), None)
    if key is None:
        raise LookupError(key_id)
    if fields.get("do") == "revoke":
        directory.revoke(key)
    else:
        directory.expire(key, at=int(time.time()))
    return PAGE


def change_user(directory: Directory, user: str, fields: dict[str, str]) -> "str | Made":
    """One more key, or another right to manage them."""
    keys = directory.keys_of(user)
    if not keys:
        raise LookupError(user)
    if fields.get("do") == "make":
        name = fields.get("name", "").strip()
        if not 1 <= len(name) <= LONGEST_NAME:
            raise NotDone("Give the key a name.")
        return Made(directory.make_key(keys[0], name=name))
    permissions = keys[0].permissions - {MANAGE_SERVICE_USERS}
    if fields.get("do") == "allow":
        permissions |= {MANAGE_SERVICE_USERS}
    directory.change_service_user(user, permissions=permissions)
    return PAGE
