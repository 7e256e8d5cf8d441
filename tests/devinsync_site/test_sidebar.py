"""The sidebar shows what the user may see, in the order of the areas."""

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory

from devinsync_site.sidebar import AREAS, UNLISTED_APPS
from theme.navigation import LinkArea, build_navigation

pytestmark = pytest.mark.django_db

APP_LIST = [
    {
        "app_label": label,
        "models": [{"object_name": name, "name": name, "admin_url": f"/admin/{label}/{name.lower()}/"}],
    }
    for label, name in (
        ("syncs", "DevinSync"),
        ("vault", "Project"),
        ("vault", "Folder"),
        ("auth", "User"),
        ("extra", "Report"),
    )
]


def navigation(path: str, user: User) -> list[LinkArea]:
    request = RequestFactory().get(path)
    request.user = user
    return build_navigation(request, APP_LIST, areas=AREAS, unlisted_apps=UNLISTED_APPS)


def test_areas_come_in_their_order_and_leave_out_what_is_not_there(somebody: Callable[..., User]) -> None:
    areas = navigation("/admin/", somebody())

    assert [(area.title, [link.label for link in area.links]) for area in areas] == [
        ("", ["Overview"]),
        ("Syncs", ["Syncs"]),
        ("Vault and connections", ["Projects"]),
        ("Administration", ["Users", "Report"]),
    ]


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/admin/", "Overview"),
        ("/admin/syncs/devinsync/add/", "Syncs"),
        ("/admin/vault/folder/1/change/", "Projects"),
        ("/admin/password_change/", None),
    ],
)
def test_marks_the_link_one_is_at(path: str, current: str | None, somebody: Callable[..., User]) -> None:
    marked = [link.label for area in navigation(path, somebody()) for link in area.links if link.is_current]

    assert marked == ([current] if current else [])


def test_a_viewer_sees_no_administration(somebody: Callable[..., User]) -> None:
    request = RequestFactory().get("/admin/")
    request.user = somebody("Viewer")

    areas = admin.site.each_context(request)["navigation"]

    assert "Administration" not in [area.title for area in areas]
