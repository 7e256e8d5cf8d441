"""What is deleted waits in the trash, and comes back as it was."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db.models import CASCADE, RESTRICT, ForeignObjectRel, Model
from django.utils import timezone

from encryption.keyring import generate_key
from tests.actors import ANYBODY
from vault import editing
from vault.editing import Actor, Labels, Metadatum, Upkeep
from vault.errors import EditingError, Missing, Taken, Unreadable
from vault.loading import check_folder
from vault.models import Environment, Folder, Project, Secret, SecretImport, TrashedRow, TrashEntry
from vault.reading import read_secrets, read_version
from vault.trash import TABLES, clean_trash, in_trash


def entry(name: str) -> TrashEntry:
    return in_trash().get(name=name)


def everything(project: Project) -> dict[str, list[dict[str, Any]]]:
    """All columns of all rows of a project that could be deleted, but for numbers that the database gives out."""
    rows = {model._meta.label: list(of_project(model, project)) for model in TABLES}
    rows["folders"] = [{**row, "seal": ""} for row in rows.pop("vault.Folder")]
    return {name: sorted(map(without_number, its), key=repr) for name, its in rows.items()}


def without_number(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id" or not isinstance(value, int)}


def of_project(model: type[Model], project: Project) -> Any:
    ways = {
        "vault.Environment": "project",
        "vault.Folder": "environment__project",
        "vault.Secret": "folder__environment__project",
        "vault.SecretImport": "folder__environment__project",
    }
    way = ways.get(model._meta.label, "secret__folder__environment__project")
    names = [each.attname for each in model._meta.concrete_fields]
    return model._base_manager.filter(**{way: project}).order_by(*names).values(*names)


def values(folder: Folder) -> dict[str, str]:
    return {secret.key: secret.value for secret in read_secrets(folder)}


@pytest.fixture
def shop(project: Project, app: Folder, shared: Folder) -> Project:
    """Two folders, one of which imports the other; versions, labels and references."""
    below = editing.create_folder(app.environment, "/app/below", by=ANYBODY)
    for value in ("1", "2", "3"):
        editing.set_secret(app, "A", value, comment=f"the {value}", by=ANYBODY)
    editing.set_secrets(app, {"B": "${A} and ${dev.shared.S}", "C": "${A}"}, literal={"C": True}, by=ANYBODY)
    editing.set_secrets(shared, {"S": "s"}, by=ANYBODY)
    editing.set_secrets(below, {"DEEP": "${dev.app.A}"}, by=ANYBODY)
    editing.add_import(app, shared, by=ANYBODY)
    tag = editing.create_tag(project, "db", by=ANYBODY)
    labels = Labels([tag.pk], [Metadatum("m", "1"), Metadatum("n", "2", is_encrypted=True)], "turn it", 30, True)
    secret = app.secrets.select_related("folder__environment__project").get(key="A")
    editing.set_labels(project.pk, {secret: labels}, by=ANYBODY)
    editing.set_upkeep(secret, Upkeep("team-a", date(2031, 2, 3), 30, ["db"]), by=ANYBODY)
    return project


@pytest.mark.postgresql
@pytest.mark.parametrize("kind", ["secret", "folder", "environment"])
def test_comes_back_as_it_was(shop: Project, app: Folder, kind: str) -> None:
    before, read = everything(shop), values(app)
    if kind == "secret":
        editing.delete_secret(app.secrets.get(key="A"), by=ANYBODY)
    elif kind == "folder":
        editing.delete_folder(Folder.objects.get(pk=app.pk), by=ANYBODY)
    else:
        editing.delete_environment(Environment.objects.get(pk=app.environment_id), by=ANYBODY)
    assert everything(shop) != before

    editing.restore(in_trash().get(), by=ANYBODY)

    assert everything(shop) == before
    assert values(Folder.objects.get(pk=app.pk)) == read
    assert read_version(Secret.objects.get(folder=app, key="A"), 2) == "2"
    assert not TrashEntry.objects.exists()
    assert not TrashedRow.objects.exists()
    for folder in Folder.objects.select_related("environment"):
        check_folder(folder)


def test_knows_every_table_that_goes_with_what_is_deleted() -> None:
    """Whoever adds a table that is deleted with a secret, a folder or an environment adds it to those of the trash."""
    cascading = {
        relation.related_model
        for model in (Environment, Folder, Secret)
        for relation in model._meta.get_fields(include_hidden=True)
        if isinstance(relation, ForeignObjectRel) and relation.on_delete in (CASCADE, RESTRICT)
    }

    assert cascading | {Environment} == set(TABLES)


def test_many_go_and_come_back_together(app: Folder) -> None:
    editing.set_secrets(app, {f"K{number}": "1" for number in range(1203)}, by=ANYBODY)
    editing.delete_secrets(app.secrets.select_related("folder__environment"), by=ANYBODY)
    assert (app.secrets.count(), in_trash().values("deletion").distinct().count()) == (0, 1)

    editing.restore_all(in_trash(), by=ANYBODY)

    assert len(values(app)) == 1203


def test_two_of_one_key_do_not_come_back_together(app: Folder) -> None:
    for value in ("1", "2"):
        editing.delete_secret(editing.set_secret(app, "A", value, by=ANYBODY), by=ANYBODY)

    with pytest.raises(Taken, match="There is a secret A"):
        editing.restore_all(in_trash(), by=ANYBODY)

    assert (app.secrets.count(), in_trash().count()) == (0, 2)


def test_a_folder_comes_back_below_the_new_name_of_what_holds_it(shop: Project, app: Folder) -> None:
    below = Folder.objects.get(path="/app/below")
    deepest = editing.create_folder(app.environment, "/app/below/deepest", by=ANYBODY)
    editing.set_secret(deepest, "LAST", "x", by=ANYBODY)
    editing.delete_folder(below, by=ANYBODY)
    editing.rename_folder(Folder.objects.get(pk=app.pk), "api", by=ANYBODY)
    editing.update_environment(Environment.objects.get(pk=app.environment_id), slug="test", by=ANYBODY)

    editing.restore(entry("/app/below"), by=ANYBODY)

    again = Folder.objects.get(pk=deepest.pk)
    assert (str(again), values(again)) == ("test:/api/below/deepest", {"LAST": "x"})


def test_a_name_that_is_taken_again_is_refused(shop: Project, app: Folder) -> None:
    editing.delete_secret(app.secrets.get(key="A"), by=ANYBODY)
    editing.set_secret(app, "A", "another", by=ANYBODY)

    with pytest.raises(Taken, match=r"There is a secret A in dev:/app again\. Give that one another key or delete it"):
        editing.restore(entry("A"), by=ANYBODY)

    editing.rename_secret(app.secrets.get(key="A"), "A2", by=ANYBODY)
    editing.restore(entry("A"), by=ANYBODY)
    assert values(app)["A"] == "3"
    assert values(app)["A2"] == "another"


def test_a_folder_and_an_environment_are_refused_in_the_same_way(shop: Project, app: Folder) -> None:
    editing.delete_folder(Folder.objects.get(pk=app.pk), by=ANYBODY)
    editing.create_folder(app.environment, "/app", by=ANYBODY)
    with pytest.raises(Taken, match="There is a folder /app here again"):
        editing.restore(entry("/app"), by=ANYBODY)
    editing.delete_environment(Environment.objects.get(slug="prod"), by=ANYBODY)
    editing.create_environment(shop, name="Live", slug="prod", by=ANYBODY)

    with pytest.raises(Taken, match="There is an environment prod again"):
        editing.restore(entry("prod"), by=ANYBODY)

    assert in_trash().count() == 2


def test_what_was_in_something_deleted_waits_for_that(shop: Project, app: Folder) -> None:
    editing.delete_secret(app.secrets.get(key="A"), by=ANYBODY)
    editing.delete_folder(Folder.objects.get(path="/app/below"), by=ANYBODY)
    editing.delete_folder(Folder.objects.get(pk=app.pk), by=ANYBODY)
    for name in ("A", "/app/below"):
        with pytest.raises(Missing, match=r"Restore (the folder|that one) first"):
            editing.restore(entry(name), by=ANYBODY)

    editing.restore_all(in_trash(), by=ANYBODY)

    assert values(app)["A"] == "3"
    assert Folder.objects.filter(path="/app/below").exists()


def test_an_import_of_a_folder_that_is_gone_is_left_out(shop: Project, app: Folder, shared: Folder) -> None:
    editing.delete_folder(Folder.objects.get(pk=app.pk), by=ANYBODY)
    editing.delete_folder(Folder.objects.get(pk=shared.pk), by=ANYBODY)

    returned = editing.restore(entry("/app"), by=ANYBODY)

    assert len(returned.unkept) == 1
    check_folder(Folder.objects.get(pk=app.pk))
    assert not SecretImport.objects.exists()


def test_for_good_means_with_what_could_never_come_back(shop: Project, app: Folder, shared: Folder) -> None:
    editing.delete_secret(app.secrets.get(key="A"), by=ANYBODY)
    editing.delete_folder(Folder.objects.get(path="/app/below"), by=ANYBODY)
    editing.delete_folder(Folder.objects.get(pk=app.pk), by=ANYBODY)
    editing.delete_secret(shared.secrets.get(key="S"), by=ANYBODY)

    editing.delete_for_good(entry("/app"), by=ANYBODY)

    assert [one.name for one in TrashEntry.objects.all()] == ["S"]
    assert set(TrashedRow.objects.values_list("entry__name", flat=True)) == {"S"}


def test_goes_when_its_time_is_over(shop: Project, app: Folder, settings: LazySettings) -> None:
    settings.TRASH_KEPT = timedelta(days=7)
    editing.delete_secret(app.secrets.get(key="A"), by=ANYBODY)
    editing.delete_secret(app.secrets.get(key="C"), by=ANYBODY)
    old = entry("A")
    TrashEntry.objects.filter(pk=old.pk).update(deleted_at=timezone.now() - timedelta(days=8))

    with pytest.raises(Missing, match="The trash does not hold"):
        editing.restore(old, by=ANYBODY)
    assert clean_trash() is False

    assert [one.name for one in TrashEntry.objects.all()] == ["C"]
    assert set(TrashedRow.objects.values_list("entry__name", flat=True)) == {"C"}


def test_much_goes_a_chunk_at_a_time(app: Folder, settings: LazySettings) -> None:
    editing.set_secrets(app, {f"K{number}": "1" for number in range(300)}, by=ANYBODY)
    editing.delete_folder(Folder.objects.get(pk=app.pk), by=ANYBODY)
    TrashEntry.objects.update(deleted_at=timezone.now() - timedelta(days=30))

    assert clean_trash() is True
    assert 0 < TrashedRow.objects.count() < 300
    # A longer time does not bring back what has begun to go.
    settings.TRASH_KEPT = timedelta(days=365)
    assert not in_trash().exists()
    assert clean_trash() is False
    assert not TrashEntry.objects.exists()


def test_there_may_be_no_trash(app: Folder, settings: LazySettings) -> None:
    settings.TRASH_KEPT = timedelta(0)
    editing.set_secrets(app, {"A": "1", "B": "2"}, by=ANYBODY)
    editing.delete_secret(app.secrets.get(key="A"), by=ANYBODY)
    editing.delete_folder(Folder.objects.get(pk=app.pk), by=ANYBODY)

    assert not TrashEntry.objects.exists()
    assert not Secret.objects.exists()


def test_goes_with_its_project(shop: Project, app: Folder) -> None:
    editing.delete_folder(Folder.objects.get(pk=app.pk), by=ANYBODY)

    editing.delete_project(shop, by=ANYBODY)

    assert not TrashEntry.objects.exists()
    assert not TrashedRow.objects.exists()


TAMPERING: dict[str, Any] = {
    "a row taken out": lambda rows: rows.filter(table="vault_secretversion").first().delete(),
    "a row put in": lambda rows: rows.create(entry=rows.first().entry, table="vault_secret", columns={"key": "X"}),
    "another key": lambda rows: rename(rows.get(table="vault_secret")),
    "another place": lambda rows: rows.filter(table="vault_secret").update(context="vault.secret/2:elsewhere"),
    "the seal of another": lambda rows: TrashEntry.objects.update(seal=""),
}


def rename(row: TrashedRow) -> None:
    row.columns |= {"key": "OTHER"}
    row.save()


@pytest.mark.parametrize("tamper", TAMPERING.values(), ids=TAMPERING.keys())
def test_what_was_changed_behind_it_is_not_restored(app: Folder, tamper: Any) -> None:
    editing.set_secret(app, "A", "1", by=ANYBODY)
    editing.delete_secret(app.secrets.get(key="A"), by=ANYBODY)
    one = entry("A")

    tamper(one.rows)

    with pytest.raises(Unreadable, match="is not as DevinSync left it"):
        editing.restore(one, by=ANYBODY)
    assert not app.secrets.exists()


def test_a_value_that_no_key_opens_can_be_deleted_and_comes_back_so(app: Folder) -> None:
    editing.set_secrets(app, {"A": "1", "B": "2"}, by=ANYBODY)
    app.secrets.filter(key="A").update(sealed_value="broken")

    editing.delete_folder(Folder.objects.get(pk=app.pk), by=ANYBODY)
    editing.restore(entry("/app"), by=ANYBODY)

    assert app.secrets.get(key="A").sealed_value == "broken"


def test_only_who_may_read_brings_back_what_another_environment_shows(project: Project, app: Folder) -> None:
    prod = Folder.objects.get(environment__slug="prod")
    editing.set_secret(app, "A", "1", by=ANYBODY)
    editing.set_secret(prod, "P", "${dev.app.A}", by=ANYBODY)
    editing.delete_secret(app.secrets.get(key="A"), by=ANYBODY)

    with pytest.raises(EditingError, match="takes the permission"):
        editing.restore(entry("A"), by=Actor(None, can_reveal=False))


def test_what_waits_is_checked_and_rotated_with_the_rest(app: Folder, settings: Any) -> None:
    editing.set_secrets(app, {"A": "1"}, by=ANYBODY)
    editing.set_secrets(app, {"A": "2"}, by=ANYBODY)
    editing.delete_folder(Folder.objects.get(pk=app.pk), by=ANYBODY)
    call_command("verify_vault")
    settings.ENCRYPTION_KEYS = [generate_key(), *settings.ENCRYPTION_KEYS]

    call_command("rotate_encryption_keys")

    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    call_command("verify_vault")
    editing.restore(entry("/app"), by=ANYBODY)
    assert values(Folder.objects.get(pk=app.pk)) == {"A": "2"}
    assert read_version(Secret.objects.get(key="A"), 1) == "1"


def test_verify_vault_names_what_was_touched_in_the_trash(app: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    editing.delete_secret(editing.set_secret(app, "A", "1", by=ANYBODY), by=ANYBODY)
    TrashedRow.objects.filter(table="vault_secret").update(sealed="broken")

    with pytest.raises(CommandError, match="1 faults in 3 folders and the trash"):
        call_command("verify_vault")

    assert "shop: The trash holds A of dev:/app with a value that can't be read." in capsys.readouterr().out
