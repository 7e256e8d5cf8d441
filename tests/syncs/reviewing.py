"""Answers the review of an edited sync as a browser without scripts does: sends back what the page holds."""

from typing import Any

from django.test import Client
from django.urls import reverse


def is_review(page: Any) -> bool:
    return page.status_code == 200 and "review" in (page.context or {})


def answer_review(client: Client, page: Any, choice: str, *, agrees: bool = False, follow: bool = False) -> Any:
    """`choice` is the button: "sync", "later", "back" or "disabled"; "" draws the plan once more."""
    data: dict[str, Any] = {"review-plan": page.context["review"].digest}
    for name, value in page.context["entries"]:
        data.setdefault(name, []).append(value)
    button = {"reviewed": choice} if choice else {}
    consent = {"review-confirm": "on"} if agrees else {}
    address = reverse("admin:syncs_devinsync_change", args=[page.context["before"].pk])
    return client.post(address, data | button | consent, follow=follow)
