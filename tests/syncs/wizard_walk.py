"""Walks the wizard as a browser without scripts does: posts a step's fields, follows where it leads."""

from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from django.urls import reverse

from connections.models import Connection
from syncs.models import DevinSync
from syncs.options import OPTIONS
from vault.models import Folder


def step_url(step: str) -> str:
    return reverse("admin:syncs_devinsync_wizard", args=[step])


def posted_options(sync: DevinSync) -> dict[str, Any]:
    """A sync's options as a browser posts them: a box that is not ticked is left out."""
    options = {name: getattr(sync, name) for name in OPTIONS}
    return {name: "on" if value is True else value for name, value in options.items() if value is not False}


@dataclass
class Walk:
    client: Client
    folder: Folder
    connection: Connection
    org_id: str = "org-sandbox"
    options: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=lambda: {"name": "my-sync", "is_enabled": "on"})

    def begin(self) -> None:
        self.client.get(reverse("admin:syncs_devinsync_add"), {"restart": "1"})

    def entries(self, step: str) -> dict[str, Any]:
        environment = self.folder.environment
        entries: dict[str, dict[str, Any]] = {
            "source": {"project": environment.project_id, "environment": environment.pk, "folder": self.folder.pk},
            "destination": {"connection": self.connection.pk, "org_id": self.org_id},
            "options": {
                **posted_options(DevinSync(key_schema="PROD_{{secretKey}}")),
                **self.options,
            },
            "details": self.details,
        }
        return entries[step]

    def post(self, step: str, *, button: str = "", **entries: Any) -> Any:
        data = {f"{step}-{name}": value for name, value in (self.entries(step) | entries).items() if value is not None}
        return self.client.post(step_url(step), data | ({button: "1"} if button else {}))

    def answer(self, *steps: str) -> None:
        for step in steps:
            response = self.post(step)
            assert response.status_code == 302, response.context["form"].errors

    def to_review(self) -> Any:
        self.begin()
        self.answer("source", "destination", "options", "details")
        return self.client.get(step_url("review"))

    def create(self, page: Any, *, confirm: bool = False, **more: str) -> Any:
        data = {"draft": page.context["draft_id"], "review-plan": page.context.get("digest", "")}
        if confirm:
            data["review-confirm"] = "on"
        return self.client.post(step_url("review"), data | more)
