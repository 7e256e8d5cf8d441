"""The button beside "Deleted …" that takes it back."""

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from vault.access import can
from vault.access.trash import TO_RESTORE, place_of_entry
from vault.trash import in_trash, is_on


def stays() -> str:
    """What becomes of what is deleted; "" where there is no trash."""
    days = settings.TRASH_KEPT.days
    return f"It stays in the trash for {days} day{'' if days == 1 else 's'}." if is_on() else ""


def undo_button(user: User, items: Iterable[UUID]) -> SafeString:
    """For what the user has just deleted, all of it at once; nothing for whoever may not bring it back.

    It belongs to a form of the page that shows it, which has a token of that page.
    """
    last = in_trash().filter(item__in=list(items), deleted_by=user).order_by("-deleted_at").first()
    if last is None:
        return SafeString("")
    place = place_of_entry(last)
    if not all(can(user, right, place) for right in TO_RESTORE[last.kind]):
        return SafeString("")
    url = reverse("admin:vault_trash_undo", args=[last.deletion])
    return format_html(' <button class="ds-btn ds-btn--small" form="undo" formaction="{}">Undo</button>', url)
