"""What there is of a team before and after, and what of it stands in an answer."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps

from tests.tenants.building import Tenant

# They note who asked for what, or that somebody is there; nobody but administrators reads them.
LOGS = {"audit.entry", "audit.head", "accounts.session", "sessions.session", "axes.accesslog", "api.readnote"}
# When somebody was here last.
PRESENCE = {"last_login", "last_used_at", "last_used_from"}

Rows = dict[tuple[str, str], dict[str, Any]]


def all_rows() -> Rows:
    """Every row of every table of ours by table and key, but for the logs."""
    found: Rows = {}
    for model in apps.get_models():
        label = model._meta.label_lower
        if label not in LOGS and model._meta.managed:
            rows: Iterable[dict[str, Any]] = model._default_manager.values()
            pk = model._meta.pk.attname
            found |= {(label, str(row[pk])): {k: v for k, v in row.items() if k not in PRESENCE} for row in rows}
    return found


def differences(before: Rows, after: Rows, *, but: Rows) -> list[str]:
    """The rows that have gone, come or changed; `but` are those of the one who asked, which may."""
    gone = [f"gone: {key}" for key in before.keys() - after.keys() - but.keys()]
    both = before.keys() & after.keys() - but.keys()
    changed = [f"changed: {key} {before[key]} to {after[key]}" for key in both if before[key] != after[key]]
    return sorted(gone + changed)


def naming(rows: Rows, ids: set[str]) -> list[str]:
    """Those rows that have one of these ids or texts in a column."""
    return sorted(f"{key}: {row}" for key, row in rows.items() if any(one in str(row) for one in ids))


@dataclass
class Watch:
    """Tells what of a team's words an answer holds, beside those that the request had brought along."""

    tenant: Tenant
    leaks: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    answers: dict[int, int] = field(default_factory=dict)

    def look(self, response: Any, sent: str, told: str) -> None:
        content = b"".join(response.streaming_content) if response.streaming else response.content
        text = f"{content.decode(errors='replace')} {dict(response.headers)}".lower()
        sent = sent.lower()
        self.answers[response.status_code] = self.answers.get(response.status_code, 0) + 1
        told_words = {word for word in self.tenant.words if word in text}
        self.seen |= told_words
        found = [word for word in told_words if word not in sent]
        if found:
            self.leaks.append(f"{response.status_code} {told}: {', '.join(found[:5])}")
        if response.status_code >= 500:
            self.leaks.append(f"{response.status_code} {told}")
