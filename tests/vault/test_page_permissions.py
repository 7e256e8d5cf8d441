"""Which permissions each page takes, one by one: all of them open it, and without any of them it stays shut."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tests.actors import ANYBODY
from vault import editing
from vault.access.models import Membership
from vault.models import Folder, Secret, SecretImport
from vault.trash import in_trash

# A page, the row that it is about, what it takes, and what is sent to it; a page that nothing is sent to is looked at.
PAGES: dict[str, tuple[str, str, dict[str, str] | None]] = {
    "project_page": ("project", "view_project view_environment view_folder", None),
    "side_by_side": ("project", "view_project view_environment view_folder view_secret", None),
    "ageing": ("project", "view_project view_environment view_folder view_secret", None),
    "trash_page": ("project", "view_project view_folder view_secret", None),
    "history": ("folder", "view_folder view_secret", None),
    "folder_lines": ("folder", "view_folder view_secret", None),
    "trash_restore": ("trashed", "view_project add_secret", {}),
    "trash_delete": ("trashed", "view_project delete_secret", {"seen": "trashed"}),
    "members": ("project", "view_membership", None),
    "member_add": (
        "project",
        "view_membership add_membership",
        {"kind": "person", "name": "nobody", "role": "viewer"},
    ),
    "member_edit": ("member", "view_membership change_membership", {"role": "owner"}),
    "member_remove": ("member", "view_membership delete_membership", {}),
    "tags": ("project", "view_project view_tag view_secret", None),
    "tag_edit": ("tag", "change_tag", {"slug": "other"}),
    "tag_delete": ("tag", "delete_tag", {}),
    "environment_add": ("project", "add_environment", {"name": "QA"}),
    "environment_edit": ("environment", "change_environment", {"name": "Development", "slug": "dev"}),
    "environment_delete": ("environment", "delete_environment delete_folder delete_secret", {}),
    "folder_page": ("folder", "view_folder view_secret", None),
    "folder_add": ("folder", "add_folder", {"path": "below"}),
    "folder_edit": ("folder", "change_folder", {"name": "other"}),
    "folder_delete": ("folder", "delete_folder delete_secret", {}),
    "folder_export": ("folder", "view_folder view_secret reveal_secret", {"format": "dotenv", "values": "resolved"}),
    "folder_copy": ("folder", "view_secret reveal_secret add_folder add_secret add_secretimport", {}),
    "folder_move": (
        "folder",
        "view_secret add_folder change_folder delete_folder add_secret change_secret delete_secret",
        {},
    ),
    "secrets_copy": ("folder", "view_secret reveal_secret add_secret change_secret", {"key": "TOKEN"}),
    "secrets_move": ("folder", "view_secret add_secret change_secret delete_secret", {"key": "TOKEN"}),
    "secrets_delete": ("folder", "view_secret delete_secret", {"key": "TOKEN"}),
    "secrets_tag": ("folder", "view_secret change_secret", {"key": "TOKEN"}),
    "secret_add_page": ("folder", "add_secret", {"key": "NEW", "value": "1"}),
    "dotenv": ("folder", "add_secret change_secret", {"text": "NEW=1"}),
    "import_add": ("folder", "add_secretimport", {"source": "other"}),
    "import_move": ("import", "change_secretimport", {"direction": "up"}),
    "import_delete": ("import", "delete_secretimport", {}),
    "secret_page": ("secret", "view_secret", None),
    "secret_edit": ("secret", "change_secret", {"key": "TOKEN", "value": "2", "version": "1"}),
    "secret_reveal": ("secret", "view_secret reveal_secret", {}),
    "secret_resolve": ("secret", "view_secret reveal_secret", {}),
    "secret_reveal_edit": ("secret", "view_secret change_secret reveal_secret", {}),
    "secret_restore": ("secret", "change_secret", {"version": "1"}),
    "secret_delete_page": ("secret", "delete_secret", {}),
}
EVERY = {name for _, needed, _ in PAGES.values() for name in needed.split()}


@pytest.fixture
def rows(app: Folder, shared: Folder, root: Folder) -> dict[str, Any]:
    editing.delete_secret(editing.set_secret(app, "GONE", "canary-7f3a", by=ANYBODY), by=ANYBODY)
    secret = editing.set_secret(app, "TOKEN", "canary-7f3a", by=ANYBODY)
    member = User.objects.create_user("member")
    return {
        "project": app.environment.project,
        "environment": app.environment,
        "folder": app,
        "secret": secret,
        "import": editing.add_import(app, shared, by=ANYBODY),
        "other": root,
        "trashed": in_trash().get(),
        "tag": editing.create_tag(app.environment.project, "core", by=ANYBODY),
        "member": Membership.objects.create(project=app.environment.project, user=member, role="viewer"),
    }


def person(name: str, permissions: set[str]) -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="vault", codename__in=permissions))
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def ask(client: Client, page: str, rows: dict[str, Any]) -> int:
    kind, _, data = PAGES[page]
    url = reverse(f"admin:vault_{page}", args=[rows[kind].pk])
    if data is None:
        return client.get(url).status_code
    return client.post(
        url, {name: str(rows[text].pk) if text in rows else text for name, text in data.items()}
    ).status_code


@pytest.mark.parametrize("page", PAGES)
def test_opens_to_whoever_has_just_what_it_takes(rows: dict[str, Any], page: str) -> None:
    status = ask(person("somebody", set(PAGES[page][1].split())), page, rows)

    assert status in (200, 302)


@pytest.mark.parametrize("page", PAGES)
def test_stays_shut_without_any_part_of_it(rows: dict[str, Any], page: str) -> None:
    for lacking in PAGES[page][1].split():
        assert ask(person(lacking, EVERY - {lacking}), page, rows) == 403, lacking

    rows["secret"].refresh_from_db()
    assert (rows["secret"].key, rows["secret"].version) == ("TOKEN", 1)
    assert (Folder.objects.count(), Secret.objects.count(), SecretImport.objects.count()) == (4, 1, 1)
    assert in_trash().count() == 1


def test_a_page_offers_only_what_its_reader_may_do(rows: dict[str, Any]) -> None:
    links = {
        "secret_add_page": "add_secret",
        "folder_add": "add_folder",
        "import_add": "add_secretimport",
        "folder_edit": "change_folder",
        "folder_delete": "delete_folder",
    }
    url = reverse("admin:vault_folder_page", args=[rows["folder"].pk])

    for name, permission in links.items():
        offered = f'href="{reverse(f"admin:vault_{name}", args=[rows["folder"].pk])}"'
        page = person(f"with {name}", {"view_folder", "view_secret", permission}).get(url).content.decode()
        assert [
            other for other in links if f'/{reverse(f"admin:vault_{other}", args=[rows["folder"].pk])[1:]}"' in page
        ] == [name]
        assert offered in page
        assert offered not in person(f"without {name}", EVERY - {permission}).get(url).content.decode()


def test_a_secrets_page_offers_only_what_its_reader_may_do(rows: dict[str, Any]) -> None:
    editing.set_secret(rows["folder"], "TOKEN", "other", by=ANYBODY)
    editing.set_secret(rows["folder"], "TOKEN", "${OTHER}", by=ANYBODY)
    addresses = {
        "secret_edit": "change_secret",
        "secret_restore": "change_secret",
        "secret_reveal": "reveal_secret",
        "secret_resolve": "reveal_secret",
        "secret_reveal_edit": "reveal_secret",
        "secret_delete_page": "delete_secret",
    }
    url = reverse("admin:vault_secret_page", args=[rows["secret"].pk])
    everybody = person("everybody", EVERY).get(url).content.decode()
    viewer = person("viewer", {"view_secret"}).get(url).content.decode()

    for name, permission in addresses.items():
        address = reverse(f"admin:vault_{name}", args=[rows["secret"].pk])
        assert address in everybody
        assert address not in viewer
        assert address not in person(f"no {name}", EVERY - {permission}).get(url).content.decode()
