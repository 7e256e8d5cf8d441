"""The secrets of a folder, as rows of its page."""

from collections.abc import Iterable, Iterator, Mapping

from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from theme.blanks import draw_rows
from theme.times import moment
from vault.access import PermsAt, place_of
from vault.models import Folder, Secret

BLANKS = ("key", "marks", "comment", "version", "changed")
LONGEST_COMMENT = 80


def draw_secrets(request: HttpRequest, folder: Folder, secrets: Iterable[Secret]) -> SafeString:
    perms = PermsAt(request.user, place_of(folder))
    rows = map(_filling, secrets)
    return draw_rows("admin/vault/secret_row.html", request, {"perms": perms}, rows, blanks=BLANKS)


def _filling(secret: Secret) -> Mapping[str, object]:
    comment = truncatechars(secret.comment, LONGEST_COMMENT) or "–"
    return {
        "pk": secret.pk,
        "key": secret.key,
        "marks": mark_safe("".join(_marks(secret))),  # noqa: S308 - of templates
        "comment": comment,
        "version": secret.version,
        "changed": _changed(secret),
    }


def _marks(secret: Secret) -> Iterator[str]:
    """What few secrets have."""
    if secret.due_on:
        yield render_to_string("admin/vault/due.html", {"secret": secret})
    if secret.tag_slugs:
        yield render_to_string("admin/vault/tags.html", {"secret": secret})


def _changed(secret: Secret) -> SafeString:
    by = secret.updated_by
    who = format_html(' <span class="ds-muted">by {}</span>', by.get_username()) if by else ""
    return format_html("{}{}", moment(secret.updated_at), who)
