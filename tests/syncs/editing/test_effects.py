"""What a change of the vault would do in Devin is told before it is made, by the names that Devin knows."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.roles import ADMINISTRATOR
from sources.protocol import SourceSecret
from syncs.engine.desired import read_desired
from syncs.engine.source import read_sources
from syncs.errors import SourceProblem
from syncs.models import DevinSync, SyncRun
from syncs.places import authors_of
from tests.actors import ANYBODY
from tests.api.conftest import make_caller, make_user
from tests.syncs.conftest import Bench
from vault import editing
from vault.editing import Actor as Writer
from vault.effects import Effect, foresee, reach_of
from vault.errors import EditingError
from vault.models import Folder, Project, Secret, Tag

pytestmark = pytest.mark.django_db
CANARY = "canary-effects-51c2"


@pytest.fixture(autouse=True)
def _logged_in(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)


@pytest.fixture
def synced(bench: Bench) -> Bench:
    """Two secrets in Devin, as PROD_A and PROD_B."""
    bench.options(key_schema="PROD_{{secretKey}}")
    bench.source(A=CANARY + "a", B=CANARY + "b")
    bench.run()
    return bench


def secret(bench: Bench, key: str) -> Secret:
    return bench.folder.secrets.select_related("folder__environment__project").get(key=key)


def only(effects: list[Effect]) -> Effect:
    (effect,) = effects
    return effect


def foreseen(edit: Callable[[], object]) -> list[Effect]:
    return foresee(edit, compares_values=True)


def deletion_page(client: Client, row: Secret | Folder) -> str:
    name = "secret_delete_page" if isinstance(row, Secret) else "folder_delete"
    return " ".join(client.get(reverse(f"admin:vault_{name}", args=[row.pk])).content.decode().split())


# What is told


def test_deleting_a_secret_names_what_goes_from_devin(client: Client, synced: Bench) -> None:
    page = deletion_page(client, secret(synced, "A"))

    assert f"deletes PROD_A from {synced.sync.org_id} within seconds" in page
    assert synced.sync.get_absolute_url() in page
    assert CANARY not in page


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"auto_sync_enabled": False}, "at its next run, as auto-sync is off"),
        ({"is_enabled": False}, "once it is enabled"),
    ],
)
def test_when_it_happens_is_told(client: Client, synced: Bench, options: dict[str, object], words: str) -> None:
    synced.options(**options)

    assert words in deletion_page(client, secret(synced, "A"))


def test_a_sync_that_deletes_nothing_is_not_said_to(client: Client, synced: Bench) -> None:
    synced.options(disable_secret_deletion=True)

    assert "What this does in Devin" not in deletion_page(client, secret(synced, "A"))


def test_what_no_run_has_written_is_not_said_to_go(synced: Bench) -> None:
    editing.set_secrets(synced.folder, {"NEW": "1"}, by=ANYBODY)

    assert foreseen(lambda: editing.delete_secret(secret(synced, "NEW"), by=ANYBODY)) == []


def test_what_was_hidden_behind_it_takes_its_place(synced: Bench) -> None:
    other = editing.create_folder(synced.folder.environment, "/base", by=ANYBODY)
    editing.set_secrets(other, {"A": "from the import"}, by=ANYBODY)
    editing.add_import(synced.folder, other, by=ANYBODY)

    effect = only(foreseen(lambda: editing.delete_secret(secret(synced, "A"), by=ANYBODY)))

    assert (effect.replaces, effect.deletes) == (("PROD_A",), ())


def test_a_secret_that_others_refer_to_would_fail_them(client: Client, synced: Bench) -> None:
    editing.set_secrets(synced.folder, {"URL": "x${A}"}, by=ANYBODY)

    page = deletion_page(client, secret(synced, "A"))

    assert "would fail, and what it wrote would stay in" in page
    assert "URL" in page


def test_a_folder_that_goes_leaves_its_sync_without_source(client: Client, synced: Bench) -> None:
    page = deletion_page(client, synced.folder)

    assert "would fail, and what it wrote would stay in" in page
    assert "dev:/my-secrets no longer exists" in page


def test_what_a_folder_above_reads_is_followed(synced: Bench) -> None:
    below = editing.create_folder(synced.folder.environment, "/my-secrets/deep", by=ANYBODY)
    editing.set_secrets(below, {"DEEP": "1"}, by=ANYBODY)
    synced.options(recursive=True)
    synced.run()

    effect = only(foreseen(lambda: editing.delete_folder(Folder.objects.get(pk=below.pk), by=ANYBODY)))

    assert effect.deletes == ("PROD_DEEP",)


def test_a_renamed_secret_is_a_rename(synced: Bench) -> None:
    effect = only(foreseen(lambda: editing.rename_secret(secret(synced, "A"), "Z", by=ANYBODY)))

    assert (effect.renames, effect.creates, effect.deletes) == ((("PROD_A", "PROD_Z"),), (), ())


def test_a_secret_that_changes_its_key_and_its_value_is_a_rename(synced: Bench) -> None:
    change = partial(editing.update_secret, secret(synced, "A"), key="Z", value="another", by=ANYBODY)

    for compares_values in (True, False):
        effect = only(foresee(change, compares_values=compares_values))
        assert (effect.renames, effect.creates, effect.deletes) == ((("PROD_A", "PROD_Z"),), (), ())


def test_a_secret_that_takes_a_freed_key_is_a_rename(synced: Bench) -> None:
    def change() -> None:
        editing.delete_secret(secret(synced, "B"), by=ANYBODY)
        editing.update_secret(secret(synced, "A"), key="B", value="another", by=ANYBODY)

    effect = only(foreseen(change))

    assert (effect.renames, effect.replaces, effect.deletes) == ((("PROD_A", "PROD_B"),), (), ())


def test_an_environments_slug_in_the_key_schema_renames_all(synced: Bench) -> None:
    synced.options(key_schema="{{environment}}_{{secretKey}}")
    synced.run()
    environment = synced.folder.environment

    effect = only(
        foreseen(
            lambda: editing.update_environment(type(environment).objects.get(pk=environment.pk), slug="qa", by=ANYBODY)
        )
    )

    assert effect.renames == (("dev_A", "qa_A"), ("dev_B", "qa_B"))


@pytest.mark.parametrize(("sends", "replaced"), [(True, [("PROD_A",)]), (False, [])])
def test_another_comment_replaces_what_is_sent_with_it(
    synced: Bench, other: Bench, sends: bool, replaced: list[tuple[str, ...]]
) -> None:
    synced.options(send_comments=sends)
    editing.add_import(other.folder, synced.folder, by=ANYBODY)

    effects = foreseen(partial(editing.update_secret, secret(synced, "A"), comment="only for staging", by=ANYBODY))

    assert [effect.replaces for effect in effects] == replaced


def test_an_import_names_what_it_brings(synced: Bench) -> None:
    other = editing.create_folder(synced.folder.environment, "/base", by=ANYBODY)
    editing.set_secrets(other, {"A": "hidden", "C": "1"}, by=ANYBODY)

    effect = only(foreseen(lambda: editing.add_import(synced.folder, other, by=ANYBODY)))

    assert (effect.creates, effect.replaces) == (("PROD_C",), ())


def test_many_names_are_counted(client: Client, synced: Bench) -> None:
    synced.options(guard_max_deletions=100, guard_max_percent=100, recursive=True)
    below = editing.create_folder(synced.folder.environment, "/my-secrets/deep", by=ANYBODY)
    editing.set_secrets(below, {f"K{number:02}": "1" for number in range(30)}, by=ANYBODY)
    synced.run()

    assert "PROD_K09 and 20 more from" in deletion_page(client, below)


def test_every_sync_that_reads_it_is_named(client: Client, synced: Bench, other: Bench) -> None:
    editing.add_import(other.folder, synced.folder, by=ANYBODY)
    other.run()

    page = deletion_page(client, secret(synced, "A"))

    assert "deletes PROD_A from" in page
    assert "deletes A from" in page


def test_the_list_of_secrets_tells_it_too(client: Client, synced: Bench) -> None:
    chosen = [str(row.pk) for row in synced.folder.secrets.all()]

    page = client.post(
        reverse("admin:vault_secret_changelist"), {"action": "delete_selected", "_selected_action": chosen}
    ).content.decode()

    assert f"my-devin-sync deletes PROD_A, PROD_B from {synced.sync.org_id} within seconds" in page
    assert synced.folder.secrets.count() == 2


# That it was only looked at


def test_nothing_is_left_of_what_was_tried(client: Client, synced: Bench) -> None:
    def state() -> tuple[object, ...]:
        return (
            Project.objects.get().revision,
            list(Secret.objects.values_list("pk", "key", "version").order_by("pk")),
            SyncRun.objects.count(),
            DevinSync.objects.get().sync_status,
        )

    before = state()
    deletion_page(client, secret(synced, "A"))
    deletion_page(client, synced.folder)

    assert state() == before


def test_a_refused_edit_is_refused_and_changes_nothing_after(synced: Bench) -> None:
    with pytest.raises(EditingError):
        foreseen(lambda: editing.rename_secret(secret(synced, "A"), "B", by=ANYBODY))
    editing.delete_secret(secret(synced, "A"), by=ANYBODY)

    assert SyncRun.objects.filter(status="pending").count() == 1, "what is meant is announced again"


# Agreeing


Delete = Callable[..., Any]


@pytest.fixture
def delete(client: Client, synced: Bench) -> Delete:
    url = reverse("admin:vault_secret_delete_page", args=[secret(synced, "A").pk])
    return lambda **data: client.post(url, data)


def test_deleting_takes_having_seen_it(client: Client, synced: Bench, delete: Delete) -> None:
    page = delete().content.decode()

    assert "What it would do has changed since this page was shown" in page
    assert synced.folder.secrets.filter(key="A").exists()

    assert delete(seen=page.split('name="seen" value="')[1].split('"')[0]).status_code == 302
    assert not synced.folder.secrets.filter(key="A").exists()


def test_what_was_seen_must_still_be_so(client: Client, synced: Bench, delete: Delete) -> None:
    seen = delete().content.decode().split('name="seen" value="')[1].split('"')[0]
    synced.options(auto_sync_enabled=False)

    assert delete(seen=seen).status_code == 200
    assert synced.folder.secrets.filter(key="A").exists()


def test_what_nobody_reads_is_deleted_at_once(client: Client, synced: Bench) -> None:
    apart = editing.create_folder(synced.folder.environment, "/apart", by=ANYBODY)
    alone = editing.set_secret(apart, "ALONE", "1", by=ANYBODY)

    response = client.post(reverse("admin:vault_secret_delete_page", args=[alone.pk]))

    assert response.status_code == 302
    assert not apart.secrets.exists()


# Editing a secret


def edit(client: Client, row: Secret, **data: str) -> Any:
    return client.post(reverse("admin:vault_secret_edit", args=[row.pk]), {"version": str(row.version), **data})


def test_a_rename_is_told_before_it_is_made(client: Client, synced: Bench) -> None:
    page = edit(client, secret(synced, "A"), key="Z")

    assert f"renames PROD_A → PROD_Z in {synced.sync.org_id} within seconds" in page.content.decode()
    assert synced.folder.secrets.filter(key="A").exists()
    assert edit(client, secret(synced, "A"), key="Z", seen=page.context["question"].seen).status_code == 302
    assert synced.folder.secrets.filter(key="Z").exists()


def test_a_form_with_another_key_and_value_tells_of_a_rename(client: Client, synced: Bench) -> None:
    text = edit(client, secret(synced, "A"), key="Z", value=CANARY + "c").content.decode()

    assert f"renames PROD_A → PROD_Z in {synced.sync.org_id} within seconds" in text
    assert "deletes" not in text
    assert CANARY not in text


def test_a_value_that_would_fail_a_sync_is_asked_about(client: Client, synced: Bench) -> None:
    page = edit(client, secret(synced, "A"), key="A", value=CANARY + "${NOWHERE}")

    text = page.content.decode()
    assert "would fail, and what it wrote would stay in" in text
    assert "NOWHERE" in text
    assert CANARY not in text
    assert secret(synced, "A").version == 1


def test_another_value_is_saved_at_once(client: Client, synced: Bench) -> None:
    assert edit(client, secret(synced, "A"), key="A", value="other").status_code == 302


def test_nobody_learns_from_it_whether_a_value_is_the_one_they_guess(synced: Bench) -> None:
    """Whoever may not read values puts a guess in front of an import, and looks at what its deletion would do."""
    hidden = editing.create_folder(synced.folder.environment, "/hidden", by=ANYBODY)
    editing.set_secrets(hidden, {"PIN_1": "4711", "PIN_2": "4711"}, by=ANYBODY)
    editing.add_import(synced.folder, hidden, by=ANYBODY)
    editing.set_secrets(synced.folder, {"PIN_1": "4711", "PIN_2": "1234"}, by=ANYBODY)
    guesses = [secret(synced, "PIN_1"), secret(synced, "PIN_2")]

    told = only(foresee(lambda: editing.delete_secrets(guesses, by=ANYBODY), compares_values=False))
    seen = only(foreseen(lambda: editing.delete_secrets(guesses, by=ANYBODY)))

    assert told.replaces == ("PROD_PIN_1", "PROD_PIN_2")
    assert seen.replaces == ("PROD_PIN_2",)


# Many syncs


def more_syncs(bench: Bench, count: int, **options: Any) -> list[DevinSync]:
    """Each with a folder of its own, which imports that of the first."""
    environment, made = bench.folder.environment, []
    for number in range(count):
        folder = editing.create_folder(environment, f"/more-{number}", by=ANYBODY)
        editing.add_import(folder, bench.folder, by=ANYBODY)
        made.append(
            DevinSync.objects.create(
                name=f"more-{number}",
                project=bench.sync.project,
                folder=folder,
                connection=bench.sync.connection,
                org_id=f"org-{number}",
                **options,
            )
        )
    return made


@pytest.mark.parametrize("recursive", [False, True])
def test_many_syncs_take_no_statement_more_than_one(synced: Bench, recursive: bool) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            foreseen(lambda: editing.set_secret(synced.folder, "A", "other", by=ANYBODY))
        return len(captured)

    synced.options(recursive=recursive)
    more_syncs(synced, 2, recursive=recursive)
    of_few = statements()
    for name in [f"again-{number}" for number in range(6)]:
        DevinSync.objects.create(
            name=name,
            project=synced.sync.project,
            folder=synced.folder,
            connection=synced.sync.connection,
            org_id=f"org-{name}",
            recursive=recursive,
        )

    assert statements() == of_few
    told = foreseen(lambda: editing.set_secret(synced.folder, "A", "other", by=ANYBODY))
    assert {effect.reader: effect.replaces for effect in told}["more-1"] == ("A",)
    assert len(told) == 9


def test_what_is_wrong_with_one_sync_is_told_of_that_one(synced: Bench) -> None:
    good, bad = more_syncs(synced, 2)
    assert bad.folder is not None
    editing.set_secret(bad.folder, "DEAD", "${dev.nowhere.KEY}", by=ANYBODY)

    read = read_sources([synced.sync, good, bad])

    assert {secret.key: secret.value for secret in as_read(read[good.pk])} == {"A": CANARY + "a", "B": CANARY + "b"}
    assert len(as_read(read[synced.sync.pk])) == 2
    problem = read[bad.pk]
    assert isinstance(problem, SourceProblem)
    assert "more-1" in str(problem)


def test_syncs_of_all_kinds_are_read_in_as_many_statements_as_one(
    synced: Bench, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    below, bad, alone = more_syncs(synced, 3)
    DevinSync.objects.filter(pk=below.pk).update(recursive=True)
    assert bad.folder is not None
    editing.set_secret(bad.folder, "DEAD", "${dev.nowhere.KEY}", by=ANYBODY)
    syncs = list(DevinSync.objects.with_source())

    # One of them for what is wrong in another folder: whether all who see the sync may be told.
    with django_assert_num_queries(4):
        read = read_sources(syncs)

    assert [len(as_read(read[sync.pk])) for sync in (synced.sync, below, alone)] == [2, 2, 2]
    assert isinstance(read[bad.pk], SourceProblem)


def test_a_sync_without_a_source_is_told_as_such(synced: Bench) -> None:
    (gone,) = more_syncs(synced, 1)
    assert gone.folder is not None
    editing.delete_folder(gone.folder, by=ANYBODY)

    read = read_sources(list(DevinSync.objects.with_source()))

    assert len(as_read(read[synced.sync.pk])) == 2
    assert "no longer exists" in str(read[gone.pk])


def as_read(found: Sequence[SourceSecret] | SourceProblem) -> Sequence[SourceSecret]:
    assert not isinstance(found, SourceProblem)
    return found


# By tags


@pytest.fixture
def tagged(synced: Bench) -> Bench:
    """A carries the tag that chooses it, B does not and is no longer in Devin."""
    tag(synced, "A", "devin")
    synced.options(only_tags="devin", guard_min_deletions=9)
    synced.run()
    return synced


def tag(bench: Bench, key: str, *slugs: str) -> None:
    editing.change_tags(bench.sync.project, [secret(bench, key)], add=slugs, remove=[], by=ANYBODY)


def devin() -> Tag:
    return Tag.objects.get(slug="devin")


@pytest.mark.parametrize(
    ("edit", "does"),
    [
        (lambda bench: tag(bench, "B", "devin"), {"creates": ("PROD_B",)}),
        (lambda bench: editing.delete_tag(devin(), by=ANYBODY), {"deletes": ("PROD_A",)}),
        (
            lambda bench: editing.update_tag(devin(), slug="other", name=None, color=None, by=ANYBODY),
            {"deletes": ("PROD_A",)},
        ),
        (lambda bench: editing.set_upkeep(secret(bench, "A"), editing.Upkeep(), by=ANYBODY), {"deletes": ("PROD_A",)}),
    ],
    ids=["put on", "deleted", "renamed", "taken off"],
)
def test_what_a_tag_does_is_told(tagged: Bench, edit: Callable[[Bench], object], does: dict[str, Any]) -> None:
    effect = only(foreseen(partial(edit, tagged)))

    assert {name: getattr(effect, name) for name in ("creates", "deletes", "replaces") if getattr(effect, name)} == does
    assert effect.is_grave is ("deletes" in does)


def test_a_tag_means_nothing_to_a_sync_that_does_not_choose_by_tags(synced: Bench) -> None:
    tag(synced, "A", "devin")

    assert foreseen(lambda: editing.delete_tag(devin(), by=ANYBODY)) == []


def test_another_value_reaches_only_what_the_tag_chooses(tagged: Bench) -> None:
    assert [each.replaces for each in reach_of(tagged.folder, "A")] == [("PROD_A",)]
    assert [each.creates + each.replaces for each in reach_of(tagged.folder, "B")] == [()]


def test_the_page_that_tags_asks_first_and_then_does_just_that(tagged: Bench, client: Client) -> None:
    address = reverse("admin:vault_secrets_tag", args=[tagged.folder.pk])
    sent = {"key": "B", "tagged": "yes", "path": "", "add": "devin"}

    asked = client.post(address, sent)

    assert "creates PROD_B in org-sandbox within seconds" in " ".join(asked.content.decode().split())
    assert not secret(tagged, "B").tags.exists()
    assert "has changed" not in asked.content.decode()
    outdated = client.post(address, sent | {"seen": "something else"})
    assert outdated.status_code == 200
    assert not secret(tagged, "B").tags.exists()
    assert client.post(address, sent | {"seen": asked.context["foreseen"].seen}).status_code == 302
    assert secret(tagged, "B").tag_slugs == ["devin"]


def test_a_tag_that_reaches_nobody_is_put_on_at_once(tagged: Bench, client: Client) -> None:
    sent = {"key": "B", "tagged": "yes", "add": "other"}

    client.post(reverse("admin:vault_secrets_tag", args=[tagged.folder.pk]), sent)

    assert secret(tagged, "B").tag_slugs == ["other"]


def test_the_form_of_a_secret_asks_about_a_tag_that_sends_it_to_devin(tagged: Bench, client: Client) -> None:
    address = reverse("admin:vault_secret_edit", args=[secret(tagged, "B").pk])
    sent = {"key": "B", "value": "", "version": "1", "comment": "", "tags": "devin"}

    asked = client.post(address, sent)

    assert "creates PROD_B in org-sandbox within seconds" in " ".join(asked.content.decode().split())
    assert not secret(tagged, "B").tags.exists()
    client.post(address, sent | {"seen": asked.context["question"].seen})
    assert secret(tagged, "B").tag_slugs == ["devin"]


@pytest.mark.parametrize(("method", "body"), [("delete", None), ("patch", {"slug": "other"})])
def test_the_api_tells_what_a_tag_that_goes_does(tagged: Bench, method: str, body: dict[str, str] | None) -> None:
    caller = make_caller(make_user("somebody", ADMINISTRATOR))
    address = f"/api/v1/projects/{tagged.sync.project_id}/tags/{devin().pk}"

    (effect,) = caller.ask(method.upper(), f"{address}?plan=true", body)["effects"]

    assert (effect["reader"], effect["deletes"]) == (tagged.sync.name, ["PROD_A"])
    assert devin().secrets.get().key == "A"


def test_who_changes_a_tag_has_changed_what_the_sync_reads(tagged: Bench, admin_user: User) -> None:
    """So they are not the other person whom an approval asks for."""
    editing.change_tags(
        tagged.sync.project, [secret(tagged, "A")], add=[], remove=[devin()], by=Writer.on_command_line(admin_user)
    )

    desired = read_desired(DevinSync.objects.with_source().get(pk=tagged.sync.pk))

    ids = list(desired.ids_behind(["PROD_A", "PROD_GONE"]))
    assert ids == [str(secret(tagged, "A").pk)]
    assert authors_of(tagged.sync, ids, since=None) >= {admin_user.pk}
