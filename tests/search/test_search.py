"""The search without scripts: what it finds, in which order, for whom, and at what cost."""

import io
import logging
import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, reverse

from audit.models import Entry
from fleets.models import SyncSet
from search.doing import ACTIONS
from search.hits import MOST
from search.named import TABLES
from search.rows import KINDS
from syncs.choices import Status
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.vault.conftest import ClientOf
from vault import editing
from vault.models import Folder, Project, Secret

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

VALUE = "canary-5d10"
AddSync = Callable[..., DevinSync]
HIT = re.compile(r'href="([^"]*)"[^>]*\s+data-search-hit>.*?<span>([^<]*)</span>', re.DOTALL)
GROUP = re.compile(r'data-search-group="([^"]*)"')
# With those of each page: the session, the person, what they may, whether all is paused.
MOST_STATEMENTS = 11


def labels(client: Client, text: str, *, group: str = "") -> list[str]:
    return [label for label, _ in hits(client, text, group=group)]


def hits(client: Client, text: str, *, group: str = "") -> list[tuple[str, str]]:
    response = client.get(reverse("admin:search"), {"q": text})
    assert response.status_code == 200
    parts = re.split(r"(?=<section class=\"ds-card\")", response.content.decode())
    wanted = [part for part in parts if not group or GROUP.findall(part) == [group]]
    return [(label, url) for part in wanted for url, label in HIT.findall(part)]


def groups(client: Client, text: str) -> list[str]:
    return GROUP.findall(client.get(reverse("admin:search"), {"q": text}).content.decode())


def person(*permissions: str) -> Client:
    user = User.objects.create_user("-".join(permissions)[:150] or "nobody", is_staff=True)
    for name in permissions:
        app_label, _, codename = name.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_an_exact_name_comes_before_one_that_begins_so_and_one_that_has_it(editor: Client, app: Folder) -> None:
    names = ("OLD_TOKEN", "TOKEN", "TOKEN_B", "A_TOKEN", "TOKEN_A", "OTHER")
    editing.set_secrets(app, dict.fromkeys(names, VALUE), by=ANYBODY)

    assert labels(editor, "token", group="Secrets") == ["TOKEN", "TOKEN_A", "TOKEN_B", "A_TOKEN", "OLD_TOKEN"]


def test_the_best_are_shown_however_many_there_are(editor: Client, app: Folder) -> None:
    many = {f"A_{number:02}_TOKEN": VALUE for number in range(3 * MOST)}
    editing.set_secrets(app, many | {"TOKEN": VALUE, "TOKEN_Z": VALUE}, by=ANYBODY)

    found = labels(editor, "token", group="Secrets")

    assert (found[:2], len(found)) == (["TOKEN", "TOKEN_Z"], MOST)
    assert f"{MOST}+" in editor.get(reverse("admin:search"), {"q": "token"}).content.decode()


def test_finds_by_every_kind_of_name(
    client_of: ClientOf, add_sync: AddSync, shelf_project: Project, app: Folder
) -> None:
    client = client_of("superuser")
    sync = add_sync("checkout", Status.FAILED)
    DevinSync.objects.filter(pk=sync.pk).update(org_id="org-zebra")
    run = SyncRun.objects.get(sync=sync)

    assert labels(client, "dev:/app", group="Folders") == ["dev:/app"]
    assert labels(client, "warehouse dev app", group="Folders") == ["dev:/app"]
    assert labels(client, "checkout", group="Syncs") == ["checkout"]
    assert labels(client, "zebra", group="Organizations") == ["org-zebra"]
    each = SyncSet.objects.create(
        name="all-of-us", project=sync.project, folder=sync.folder, connection=sync.connection, below="{{organization}}"
    )
    assert hits(client, "all of us", group="Sync sets") == [("all-of-us", each.get_absolute_url())]
    assert labels(client, "acme", group="Connections") == ["acme"]
    assert hits(client, "shelf", group="Projects") == [
        ("The shelf", reverse("admin:vault_project_page", args=[shelf_project.pk]))
    ]
    assert hits(client, "checkout failed", group="Runs") == [("checkout", run.get_absolute_url())]
    assert hits(client, str(run.pk), group="Runs") == [("checkout", run.get_absolute_url())]
    assert labels(client, "audit", group="Pages") == ["Audit log"]
    assert labels(client, "create sync", group="Actions") == ["New sync", "New sync set"]


def test_the_group_whose_first_answers_best_comes_first(client_of: ClientOf, add_sync: AddSync) -> None:
    client = client_of("superuser")
    add_sync("runs-of-old", Status.SUCCEEDED)

    assert groups(client, "runs")[0] == "Pages"
    assert groups(client, "runs-of-old")[:2] == ["Syncs", "Runs"]


def test_to_start_a_sync_leads_to_its_plan_and_starts_nothing(editor: Client, add_sync: AddSync) -> None:
    sync = add_sync("checkout", Status.SUCCEEDED)
    add_sync("checkout-off", Status.SUCCEEDED, is_enabled=False)

    for text in ("checkout", "sync now checkout", "Sync now: checkout"):
        assert hits(editor, text, group="Runs to start") == [
            ("Sync now: checkout", reverse("admin:syncs_devinsync_plan", args=[sync.pk]))
        ]
    assert labels(editor, "sync now checkout", group="Syncs") == []
    assert SyncRun.objects.count() == 2


@pytest.mark.parametrize("lacking", sorted({right for kind in (*KINDS, *TABLES) for right in kind.rights}))
def test_what_one_may_not_see_is_not_found(add_sync: AddSync, app: Folder, lacking: str) -> None:
    add_sync("canary-sync", Status.SUCCEEDED, description="x")
    DevinSync.objects.update(org_id="org-canary")
    editing.set_secret(app, "CANARY_KEY", VALUE, by=ANYBODY)
    editing.create_folder(app.environment, "/canary-folder", by=ANYBODY)
    editing.create_project(name="Canary project", slug="canary-project", by=ANYBODY)
    every = {right for kind in (*KINDS, *TABLES) for right in kind.rights}
    shown_without = {
        "vault.view_secret": {"canary-sync", "org-canary", "Canary project"},
        "vault.view_folder": {"CANARY_KEY", "canary-sync", "org-canary"},
        "vault.view_project": {"CANARY_KEY", "dev:/canary-folder", "canary-sync", "org-canary"},
        "vault.view_environment": {"CANARY_KEY", "dev:/canary-folder", "canary-sync", "org-canary"},
        "syncs.view_devinsync": {"CANARY_KEY", "dev:/canary-folder", "Canary project", "canary-sync"},
        "syncs.view_syncrun": {"CANARY_KEY", "dev:/canary-folder", "Canary project", "canary-sync", "org-canary"},
        "connections.view_connection": {
            "CANARY_KEY", "dev:/canary-folder", "Canary project", "canary-sync", "org-canary",
        },
    }  # fmt: skip

    found = hits(person(*every - {lacking}), "canary")

    assert shown_without[lacking] <= {label for label, _ in found}
    names = {"CANARY_KEY", "dev:/canary-folder", "Canary project", "canary-sync", "org-canary"}
    assert {label for label, _ in found} & names == shown_without[lacking]


def test_one_may_follow_whatever_is_found(client_of: ClientOf, add_sync: AddSync, app: Folder) -> None:
    add_sync("shop-sync", Status.SUCCEEDED)
    editing.set_secret(app, "SHOP_KEY", VALUE, by=ANYBODY)

    for role in ("viewer", "operator", "editor"):
        client = client_of(role)
        found = [url for text in ("", "shop", "acme", "app") for _, url in hits(client, text)]
        refused = [url for url in found if "/plan/" not in url and client.get(url).status_code == 403]
        assert refused == [], role


def test_actions_are_offered_to_whom_they_are_allowed(client_of: ClientOf) -> None:
    assert labels(client_of("viewer"), "new") == []
    assert labels(client_of("editor"), "new", group="Actions") == ["New sync", "New sync set", "New project"]
    assert len(labels(client_of("superuser"), "", group="Actions")) == len(ACTIONS)


def test_the_page_is_for_those_who_are_signed_in(client_of: ClientOf) -> None:
    for role in ("anonymous", "nobody"):
        client = client_of(role)
        for name in ("search", "search_results"):
            assert "/login/" in client.get(reverse(f"admin:{name}"), {"q": "x"}).headers["Location"]
    staff = client_of("staff")
    assert staff.get(reverse("admin:search"), {"q": "a"}).status_code == 200
    assert staff.post(reverse("admin:search_results")).status_code == 405


def test_every_route_of_the_search_is_looked_at_here() -> None:
    admin_urls = next(pattern for pattern in get_resolver().url_patterns if "admin/" in str(pattern.pattern))
    names = {name for name in admin_urls.reverse_dict if isinstance(name, str) and name.startswith("search")}  # type: ignore[union-attr]

    assert names == {"search", "search_results"}


def test_the_short_address_keeps_the_question(editor: Client) -> None:
    assert editor.get("/search?q=a%20b").headers["Location"] == "/admin/search/?q=a%20b"


@pytest.mark.parametrize("text", ["", "  ", "%", "_", "'", '"', "\\", "<script>", "é", "a" * 5000, "a " * 2000, "${A}"])
def test_takes_whatever_is_typed(editor: Client, app: Folder, text: str) -> None:
    editing.set_secret(app, "KEY", VALUE, by=ANYBODY)

    page = editor.get(reverse("admin:search"), {"q": text}).content.decode()

    assert "<script>" not in page.replace('<script src="', "")
    assert ("KEY" in labels(editor, text, group="Secrets")) is False


def test_no_value_is_searched_shown_or_loaded(editor: Client, app: Folder) -> None:
    editing.set_secret(app, "KEY", VALUE, comment="a comment", by=ANYBODY)

    with CaptureQueriesContext(database) as queries:
        found = labels(editor, "key", group="Secrets")

    assert found == ["KEY"]
    assert not [query for query in queries if re.search(r"sealed|\"comment\"", query["sql"])]
    assert labels(editor, VALUE) == []


@pytest.mark.parametrize("name", ["search", "search_results"])
def test_costs_the_same_whatever_is_there(client_of: ClientOf, add_sync: AddSync, app: Folder, name: str) -> None:
    client = client_of("editor")

    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            client.get(reverse(f"admin:{name}"), {"q": "a"})
        return len(queries)

    before = cost()
    editing.set_secrets(app, {f"A_{number}": VALUE for number in range(50)}, by=ANYBODY)
    for number in range(20):
        editing.create_folder(app.environment, f"/a-{number}", by=ANYBODY)
        add_sync(f"a-{number}", Status.SUCCEEDED)

    assert cost() == before
    assert before <= MOST_STATEMENTS


def test_what_is_typed_is_kept_nowhere(editor: Client, app: Folder) -> None:
    text, lines = "typed-2c9e", io.StringIO()
    handler = logging.StreamHandler(lines)
    logging.getLogger().addHandler(handler)
    try:
        for name in ("search", "search_results"):
            editor.get(reverse(f"admin:{name}"), {"q": text})
            editor.post(reverse(f"admin:{name}") + f"?q={text}")
        editor.get(f"/search?q={text}")
    finally:
        logging.getLogger().removeHandler(handler)

    session: SessionBase = editor.session
    assert text not in lines.getvalue()
    assert text not in str(dict(session))
    assert not LogEntry.objects.exists()
    assert not [entry for entry in Entry.objects.values() if text in str(entry)]


def test_every_action_leads_to_a_page(client_of: ClientOf) -> None:
    client = client_of("superuser")

    for action in ACTIONS:
        if action.url_name:
            assert client.get(action.url).status_code in (200, 302), action.label


def test_is_linked_from_every_page(editor: Client, app: Folder) -> None:
    page = editor.get(reverse("admin:vault_folder_page", args=[app.pk])).content.decode()

    assert f'data-search-from="{reverse("admin:search_results")}"' in page
    assert settings.INSTALLED_APPS.count("search") == 1
    assert Secret.objects.count() == 0
