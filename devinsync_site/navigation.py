"""The sidebar: areas with links, made from the models that the user may see.

What is declared here but not registered, or not permitted, leaves its entry out.
"""

from collections.abc import Iterable, Iterator, Mapping
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


AREAS = (
    Area("", (Entry("overview", url_name="admin:index", label="Overview"),)),
    Area(
        "Syncs",
        (
            Entry("sync", "syncs.DevinSync", label="Syncs"),
            Entry("runs", "syncs.SyncRun", label="Runs"),
            Entry("list", "syncs.SyncRunChange", label="Changes by key"),
            Entry("key", "syncs.ManagedSecret", label="Managed secrets"),
            Entry("pause", "syncs.SyncControl", label="Pause all"),
        ),
    ),
    Area(
        "Vault and connections",
        (
            Entry("vault", "vault.Project", label="Projects", is_whole_app=True),
            Entry("connection", "connections.Connection", label="Connections"),
        ),
    ),
    Area(
        "Administration",
        (
            Entry("users", "auth.User", label="Users"),
            Entry("group", "auth.Group", label="Groups"),
            Entry("token", "api.ApiToken", label="API tokens"),
            Entry("shield", "api.MachineIdentity", label="Machine identities"),
            Entry("lock", "axes.AccessAttempt", label="Failed log-ins"),
        ),
    ),
)
# Reached from other pages, or of no use to a person.
NOT_LISTED_APPS = ("axes", "django_rq", "vault")


def build_navigation(request: HttpRequest, app_list: Iterable[Mapping[str, Any]]) -> list[LinkArea]:
    models = {
        f"{app['app_label']}.{model['object_name']}": model
        for app in app_list
        for model in app["models"]
        if model.get("admin_url")
    }
    areas = [LinkArea(area.title, list(_links(area, models, request))) for area in AREAS]
    areas[-1].links.extend(_rest(models, request))
    return [area for area in areas if area.links]


def _links(area: Area, models: Mapping[str, Mapping[str, Any]], request: HttpRequest) -> Iterator[Link]:
    for entry in area.entries:
        url = models[entry.model]["admin_url"] if entry.model in models else _reversed(entry.url_name)
        if url:
            label = entry.label or str(models[entry.model]["name"])
            yield Link(label, url, entry.icon, _is_current(entry, url, request.path))


def _rest(models: Mapping[str, Mapping[str, Any]], request: HttpRequest) -> Iterator[Link]:
    """What an application registered without a place above."""
    placed = {entry.model for area in AREAS for entry in area.entries}
    for name, model in models.items():
        if name not in placed and name.split(".")[0] not in NOT_LISTED_APPS:
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
