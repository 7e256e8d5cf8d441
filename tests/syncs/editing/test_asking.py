"""Each page that changes the vault tells what that does in Devin: beside the button, or before it is done."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from tests.syncs.people import log_in
from vault import editing
from vault.models import Environment, Folder, Secret, SecretImport, Tag

CANARY = "canary-asking-77e1"


@pytest.fixture(autouse=True)
def _logged_in(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)


@pytest.fixture
def shared(bench: Bench) -> Folder:
    """Another folder of the same environment, with B of another value and C."""
    folder = editing.create_folder(bench.folder.environment, "/shared", by=ANYBODY)
    editing.set_secrets(folder, {"B": CANARY + "shared", "C": CANARY + "c"}, by=ANYBODY)
    return folder


@pytest.fixture
def synced(bench: Bench, shared: Folder) -> Bench:
    """One own secret in Devin as PROD_A."""
    bench.options(key_schema="PROD_{{secretKey}}")
    bench.source(A=CANARY + "a")
    bench.run()
    return bench


def secret(bench: Bench, key: str = "A") -> Secret:
    return bench.folder.secrets.select_related("folder__environment__project").get(key=key)


def import_of(bench: Bench, source: Folder) -> SecretImport:
    row = editing.add_import(bench.folder, source, by=ANYBODY)
    bench.carry_out(SyncRun.objects.pending().get())
    return row


def text_of(page: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", page.content.decode()).split())


def nothing_started() -> bool:
    return not SyncRun.objects.pending().exists()


def url(name: str, row: Any) -> str:
    return reverse(f"admin:vault_{name}", args=[row.pk])


Given = Callable[[Bench, Folder], tuple[str, dict[str, Any], str]]


def an_import(bench: Bench, shared: Folder) -> tuple[str, dict[str, Any], str]:
    return url("import_add", bench.folder), {"source": shared.pk}, "creates PROD_B, PROD_C in org-sandbox"


def no_import(bench: Bench, shared: Folder) -> tuple[str, dict[str, Any], str]:
    return url("import_delete", import_of(bench, shared)), {}, "deletes PROD_B, PROD_C from org-sandbox"


def another_order(bench: Bench, shared: Folder) -> tuple[str, dict[str, Any], str]:
    first = editing.create_folder(bench.folder.environment, "/first", by=ANYBODY)
    editing.set_secrets(first, {"B": CANARY + "first"}, by=ANYBODY)
    row = editing.add_import(bench.folder, first, by=ANYBODY)
    import_of(bench, shared)
    return url("import_move", row), {"direction": "down"}, "replaces PROD_B in org-sandbox"


def an_old_version(bench: Bench, shared: Folder) -> tuple[str, dict[str, Any], str]:
    editing.update_secret(secret(bench), value=CANARY + "new", by=ANYBODY)
    bench.carry_out(SyncRun.objects.pending().get())
    return url("secret_restore", secret(bench)), {"version": "1"}, "replaces PROD_A in org-sandbox"


def a_referred_folder(bench: Bench, shared: Folder) -> tuple[str, dict[str, Any], str]:
    editing.update_secret(secret(bench), value="${dev.shared.C}", by=ANYBODY)
    bench.carry_out(SyncRun.objects.pending().get())
    return url("folder_edit", shared), {"name": "moved", "description": ""}, "would fail"


def another_slug(bench: Bench, shared: Folder) -> tuple[str, dict[str, Any], str]:
    bench.options(key_schema="{{environment}}_{{secretKey}}")
    bench.run()
    row = bench.folder.environment
    sent = {"name": row.name, "slug": "develop", "position": row.position}
    return url("environment_edit", row), sent, "renames dev_A → develop_A in org-sandbox"


def a_tag_called_otherwise(bench: Bench, shared: Folder) -> tuple[str, dict[str, Any], str]:
    editing.change_tags(bench.sync.project, [secret(bench)], add=["core"], remove=[], by=ANYBODY)
    bench.options(only_tags="core")
    bench.run()
    return url("tag_edit", Tag.objects.get()), {"slug": "other"}, "deletes PROD_A from org-sandbox"


EDITS = (an_import, no_import, another_order, an_old_version, a_referred_folder, another_slug, a_tag_called_otherwise)


@pytest.mark.parametrize("given", EDITS, ids=lambda given: given.__name__)
def test_tells_before_it_is_done(client: Client, synced: Bench, shared: Folder, given: Given) -> None:
    address, sent, words = given(synced, shared)
    before = stored()

    page = client.post(address, sent)

    assert page.status_code == 200
    assert words in text_of(page)
    assert CANARY not in page.content.decode()
    assert stored() == before
    assert nothing_started()

    done = client.post(address, sent | {"seen": page.context["question"].seen}, follow=True)

    assert stored() != before
    assert "Queued: my-devin-sync" in text_of(done)


def stored() -> list[Any]:
    return [
        sorted(SecretImport.objects.values_list("folder", "source", "position")),
        sorted(Folder.objects.values_list("path", flat=True)),
        sorted(Environment.objects.values_list("slug", flat=True)),
        sorted(Secret.objects.values_list("key", "version")),
        sorted(Tag.objects.values_list("slug", flat=True)),
    ]


def test_a_tag_goes_once_it_was_shown_what_goes_with_it(client: Client, synced: Bench, shared: Folder) -> None:
    words, address = a_tag_called_otherwise(synced, shared)[2], url("tag_delete", Tag.objects.get())

    asked = client.post(address)

    assert words in text_of(asked)
    assert Tag.objects.exists()
    client.post(address, {"seen": asked.context["foreseen"].seen})
    assert not Tag.objects.exists()


def test_what_was_seen_must_still_be_so(client: Client, synced: Bench, shared: Folder) -> None:
    address, sent, _ = an_import(synced, shared)
    seen = client.post(address, sent).context["question"].seen
    editing.set_secrets(shared, {"D": CANARY}, by=ANYBODY)

    page = client.post(address, sent | {"seen": seen})

    assert "PROD_D" in text_of(page)
    assert not SecretImport.objects.exists()


def test_asks_nothing_where_nobody_reads(client: Client, synced: Bench, shared: Folder) -> None:
    lone = editing.create_folder(synced.folder.environment, "/lone", by=ANYBODY)

    page = client.post(url("import_add", lone), {"source": shared.pk}, follow=True)

    assert "Added the import" in text_of(page)
    assert "Queued" not in text_of(page)


# One value


def test_an_edit_of_one_value_tells_beside_the_button(client: Client, synced: Bench) -> None:
    page = client.get(url("secret_edit", secret(synced)))

    assert "Another value: my-devin-sync replaces PROD_A in org-sandbox within seconds." in text_of(page)
    assert nothing_started()


def test_and_so_does_adding_one(client: Client, synced: Bench) -> None:
    page = client.get(url("secret_add_page", synced.folder))

    expected = "A secret KEY, for example: my-devin-sync creates PROD_KEY in org-sandbox within seconds."
    assert expected in text_of(page)
    assert not synced.folder.secrets.filter(key="KEY").exists()


def test_what_refers_to_it_is_reached_too(client: Client, synced: Bench, shared: Folder) -> None:
    editing.update_secret(secret(synced), value="${dev.shared.C}", by=ANYBODY)
    row = shared.secrets.get(key="C")

    assert "replaces PROD_A" in text_of(client.get(url("secret_edit", row)))


def test_what_an_importer_has_of_its_own_is_not(client: Client, synced: Bench, shared: Folder) -> None:
    editing.add_import(synced.folder, shared, by=ANYBODY)
    synced.source(A=CANARY + "a", B=CANARY + "own")
    synced.run()

    hidden = client.get(url("secret_edit", shared.secrets.get(key="B")))
    shown = client.get(url("secret_edit", shared.secrets.get(key="C")))

    assert "org-sandbox" not in text_of(hidden)
    assert "replaces PROD_C in org-sandbox" in text_of(shown)


def test_a_sync_of_a_folder_above_is_told_of_those_below(client: Client, synced: Bench) -> None:
    synced.options(recursive=True)
    below = editing.create_folder(synced.folder.environment, "/my-secrets/api", by=ANYBODY)

    assert "creates PROD_KEY" in text_of(client.get(url("secret_add_page", below)))


@pytest.mark.parametrize("count", [1, 25])
def test_the_page_costs_the_same_whoever_reads(
    client: Client, synced: Bench, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    sync = synced.sync
    for number in range(count):
        DevinSync.objects.create(
            name=f"s{number}", project=sync.project, folder=sync.folder, connection=sync.connection, org_id="org-x"
        )

    with django_assert_max_num_queries(20):
        client.get(url("secret_edit", secret(synced)))


def test_it_is_then_saved_at_once_and_leads_to_its_run(client: Client, synced: Bench) -> None:
    row = secret(synced)
    sent = {"key": "A", "value": CANARY + "2", "comment": "", "version": row.version}

    page = client.post(url("secret_edit", row), sent, follow=True)

    run = SyncRun.objects.pending().get()
    assert f'<a href="{run.get_absolute_url()}">my-devin-sync</a>' in page.content.decode()
    assert f"{reverse('admin:syncs_syncrun_progress', args=[run.pk])}?part=badge" in page.content.decode()


def test_how_the_run_stands_is_followed(client: Client, synced: Bench) -> None:
    synced.source(A=CANARY + "2")
    run = SyncRun.objects.pending().get()
    address = f"{reverse('admin:syncs_syncrun_progress', args=[run.pk])}?part=badge"
    assert "data-finished" not in client.get(address).content.decode()

    synced.carry_out(run)

    badge = client.get(address).content.decode()
    assert "data-finished" in badge
    assert "Synced" in badge


def test_a_secret_that_would_fail_a_sync_is_asked_about(client: Client, synced: Bench) -> None:
    sent = {"key": "BAD", "value": "${NOWHERE}", "comment": ""}

    page = client.post(url("secret_add_page", synced.folder), sent)

    assert "would fail" in text_of(page)
    assert not synced.folder.secrets.filter(key="BAD").exists()
    again = {"value": "", "kept": page.context["form"].data["kept"], "seen": page.context["question"].seen}
    client.post(url("secret_add_page", synced.folder), sent | again)
    assert synced.folder.secrets.filter(key="BAD").exists()


def test_runs_are_linked_for_those_who_may_see_them(client: Client, synced: Bench) -> None:
    user = log_in(client, "nobody")
    assert user is not None
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="vault"))
    row = secret(synced)

    sent = {"key": "A", "value": CANARY + "2", "comment": "", "version": row.version}
    page = client.post(url("secret_edit", row), sent, follow=True)

    assert "Saved A" in text_of(page)
    assert "Queued" not in text_of(page)


def test_deleting_several_leads_to_the_run(client: Client, synced: Bench) -> None:
    rows = {"action": "delete_selected", "_selected_action": [secret(synced).pk], "post": "yes"}

    page = client.post(reverse("admin:vault_secret_changelist"), rows, follow=True)

    assert "Queued: my-devin-sync" in text_of(page)


# .env text


def test_an_upload_tells_before_it_is_added(client: Client, synced: Bench) -> None:
    address = url("dotenv", synced.folder)

    page = client.post(address, {"text": f"A={CANARY}x\nNEW={CANARY}y\n"})

    assert "creates PROD_NEW in org-sandbox within seconds" in text_of(page)
    assert "replaces PROD_A in org-sandbox within seconds" in text_of(page)
    assert CANARY not in page.content.decode()
    assert nothing_started()
    done = client.post(address, {"kept": page.context["kept"]}, follow=True)
    assert "Queued: my-devin-sync" in text_of(done)


def test_an_upload_tells_anew_what_has_changed(client: Client, synced: Bench) -> None:
    address = url("dotenv", synced.folder)
    kept = client.post(address, {"text": f"NEW={CANARY}y\n"}).context["kept"]
    DevinSync.objects.update(key_schema="TEST_{{secretKey}}")

    page = client.post(address, {"kept": kept})

    assert "creates TEST_NEW" in text_of(page)
    assert not synced.folder.secrets.filter(key="NEW").exists()
