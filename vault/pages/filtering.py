"""Which of a folder's secrets its page shows: by a part of their keys, by a tag, or those that are due."""

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from vault.models import Folder, Secret
from vault.rotation import last_day_of_due

DUE, TAG = "due", "tag:"
SECRETS_A_PAGE = 50
# Of a folder that has more, the rest is not shown in its list.
MOST_TAGGED = 10_000


def is_due() -> Q:
    return Q(due_on__lte=last_day_of_due())


@dataclass(frozen=True)
class Filters:
    query: str = ""
    tag: str = ""
    is_due: bool = False

    @classmethod
    def of(cls, request: HttpRequest) -> "Filters":
        show = request.GET.get("show", "")
        tag = show.removeprefix(TAG) if show.startswith(TAG) else ""
        return cls(request.GET.get("q", "").strip(), tag, show == DUE)

    def __bool__(self) -> bool:
        return bool(self.query or self.tag or self.is_due)

    @property
    def address(self) -> str:
        """For the links to other pages of the list; the query is theirs."""
        show = DUE if self.is_due else f"{TAG}{self.tag}" if self.tag else ""
        return urlencode({"show": show}) if show else ""

    def choose(self, secrets: QuerySet[Secret]) -> QuerySet[Secret]:
        if self.query:
            secrets = secrets.filter(key__icontains=self.query)
        if self.tag:
            secrets = secrets.filter(tags__slug=self.tag)
        return secrets.filter(is_due()).order_by("due_on", "key") if self.is_due else secrets


@dataclass(frozen=True)
class Listed:
    """A page of secrets with their tags, and what there is to filter by."""

    secrets: Page[Secret]
    filters: Filters
    tags: list[str]
    due_count: int

    @property
    def context(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in ("secrets", "filters", "tags", "due_count")} | {
            "query": self.filters.query
        }


def list_secrets(folder: Folder, filters: Filters, number: str | None) -> Listed:
    """In two queries, for a folder that fits on a page."""
    every = folder.secrets.select_related("updated_by")
    is_first = not filters and number in (None, "1")
    first = list(every[: SECRETS_A_PAGE + 1]) if is_first else []
    fits = is_first and len(first) <= SECRETS_A_PAGE
    due_count = sum(secret.rotation.is_due for secret in first) if fits else every.order_by().filter(is_due()).count()
    shown = Paginator(first if fits else filters.choose(every), SECRETS_A_PAGE).get_page(number)
    if is_first:
        shown.object_list = first[:SECRETS_A_PAGE]
    slugs = _tags_in(folder)
    for secret in shown:
        secret.tag_slugs = slugs.get(secret.pk, [])
    tags = sorted({slug for each in slugs.values() for slug in each})
    return Listed(shown, filters, tags, due_count)


def _tags_in(folder: Folder) -> dict[UUID, list[str]]:
    """By secret, in order."""
    rows = Secret.tags.through.objects.filter(secret__folder=folder).order_by("tag__slug")
    found: dict[UUID, list[str]] = {}
    for secret_id, slug in rows.values_list("secret_id", "tag__slug")[:MOST_TAGGED]:
        found.setdefault(secret_id, []).append(slug)
    return found
