"""The sidebar: areas with links, made from the models that the user may see.

What is declared but not registered, or not permitted, leaves its entry out.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True)
class Entry:
    """Where a link leads: to a model's list, or by a URL's name to a page of another kind."""

    icon: str
    model: str = ""
    url_name: str = ""
    label: str = ""
    # The pages of the whole application count as this entry's.
    is_whole_app: bool = False


@dataclass(frozen=True)
class Area:
    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    icon: str
    is_current: bool


@dataclass(frozen=True)
class LinkArea:
    title: str
    links: list[Link] = field(default_factory=list)


def build_navigation(
    request: HttpRequest,
    app_list: Iterable[Mapping[str, Any]],
    *,
    areas: Sequence[Area],
    unlisted_apps: Collection[str] = (),
) -> list[LinkArea]:
    """The areas with what the user may see of them; what has no place in any of them stands in the last."""
    models = {
        f"{app['app_label']}.{model['object_name']}": model
        for app in app_list
        for model in app["models"]
        if model.get("admin_url")
    }
    shown = [LinkArea(area.title, list(_links(area, models, request))) for area in areas]
    placed = {entry.model for area in areas for entry in area.entries}
    shown[-1].links.extend(_rest(models, request, placed, unlisted_apps))
    return [area for area in shown if area.links]


def _links(area: Area, models: Mapping[str, Mapping[str, Any]], request: HttpRequest) -> Iterator[Link]:
    for entry in area.entries:
        url = models[entry.model]["admin_url"] if entry.model in models else _reversed(entry.url_name)
        if url:
            label = entry.label or str(models[entry.model]["name"])
            yield Link(label, url, entry.icon, _is_current(entry, url, request.path))


def _rest(
    models: Mapping[str, Mapping[str, Any]],
    request: HttpRequest,
    placed: Collection[str],
    unlisted_apps: Collection[str],
) -> Iterator[Link]:
    for name, model in models.items():
        if name not in placed and name.split(".")[0] not in unlisted_apps:
            url = model["admin_url"]
            yield Link(str(model["name"]), url, "list", request.path.startswith(url))


def _is_current(entry: Entry, url: str, path: str) -> bool:
    if entry.url_name == "admin:index":
        return path == url
    if entry.is_whole_app:
        return path.startswith(url.rsplit("/", 2)[0] + "/")
    return path.startswith(url)


def _reversed(url_name: str) -> str:
    try:
        return reverse(url_name) if url_name else ""
    except NoReverseMatch:
        return ""
