"""Whoever writes to the database without the encryption keys is noticed: nothing is read, and the error says where."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Q

from encryption import seal
from encryption.registry import sealed_fields
from encryption.rotation import rotate
from tests.actors import ANYBODY
from tests.tampering import (
    ATTACKS,
    CANARIES,
    DB,
    NEW,
    OLD,
    VALUES_ALONE,
    Rows,
    attack,
    execute,
    furnish,
    put_back,
    put_in,
)
from vault import editing
from vault.binding import accept_folder, bind_all
from vault.errors import Missing, SourceError, Unreadable
from vault.models import Binding, Environment, Folder, Secret, SecretVersion
from vault.reading import list_keys, read_secrets, read_version

pytestmark = pytest.mark.postgresql
# The single secrets that an attack touches stay shut too, each by its own page.
SINGLE = ["TOKEN", "RENAMED", "DB", "DEEP", "LITERAL"]


@pytest.fixture
def seen(app: Folder, prod: Environment) -> Rows:
    return furnish(app, prod)


def values(folder: Folder) -> dict[str, str]:
    return {one.key: one.value for one in read_secrets(folder, recursive=True)}


def test_what_is_as_it_was_left_is_read(app: Folder, seen: Rows) -> None:
    assert values(app)["TOKEN"] == NEW
    assert values(app)["HOST"] == "last"
    call_command("verify_vault")


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_is_read_of_what_was_touched(app: Folder, seen: Rows, name: str) -> None:
    attack(name)

    for read in (read_secrets,) if name in VALUES_ALONE else (read_secrets, list_keys):
        with pytest.raises(Unreadable) as caught:
            read(app, recursive=True)
        assert ATTACKS[name][1] in caught.value.message
        assert not caught.value.retryable
        assert not [canary for canary in CANARIES if canary in caught.value.message]
    with pytest.raises(CommandError):
        call_command("verify_vault")


@pytest.mark.parametrize("name", [name for name, (_, named) in ATTACKS.items() if named in SINGLE])
def test_no_single_value_is_shown_either(seen: Rows, name: str) -> None:
    attack(name)

    secret = Secret.objects.get(key=ATTACKS[name][1])
    with pytest.raises((SourceError, Missing)):
        read_version(secret, secret.version)


def test_a_row_that_is_put_back_whole_is_noticed(app: Folder, seen: Rows) -> None:
    """It opens where it was sealed, so only the folder knows that it is not the present one."""
    put_back(seen.secret)
    with pytest.raises(Unreadable, match="TOKEN is at version 1, of which the newest is 2"):
        values(app)

    SecretVersion.objects.filter(version=2).delete()
    with pytest.raises(Unreadable, match="a secret or an import was taken out, put in or set back"):
        values(app)


def test_a_deleted_secret_that_is_put_in_again_is_noticed(app: Folder, seen: Rows) -> None:
    put_in(seen.deleted)

    with pytest.raises(Unreadable, match="dev:/app is not as DevinSync left it"):
        values(app)


def test_an_edit_does_not_make_it_good(app: Folder, seen: Rows) -> None:
    """What somebody else changed stays out of what is sealed, whatever is written beside it."""
    put_back(seen.secret)
    SecretVersion.objects.filter(version=2).delete()

    editing.set_secrets(app, {"NEXT": "1", "OTHER": "2"}, by=ANYBODY)
    editing.rename_secret(Secret.objects.get(key="NEXT"), "AFTER", by=ANYBODY)
    editing.rename_folder(Folder.objects.get(path="/app"), "moved", by=ANYBODY)
    editing.set_secret(Folder.objects.get(path="/moved"), "TOKEN", "entered anew", by=ANYBODY)

    with pytest.raises(Unreadable):
        values(Folder.objects.get(path="/moved"))


def test_every_edit_keeps_the_seals_true(app: Folder, dev: Environment, seen: Rows) -> None:
    editing.set_secrets(app, {"TOKEN": "2", "A": "1", "B": "2"}, comments={"A": "why"}, by=ANYBODY)
    a, b = (Secret.objects.get(key=key) for key in "AB")
    editing.update_secrets(app, [editing.Edit(a, key="B"), editing.Edit(b, key="A", value="3")], by=ANYBODY)
    editing.restore_version(Secret.objects.get(key="TOKEN"), 1, by=ANYBODY)
    editing.update_secret(Secret.objects.get(key="LITERAL"), is_literal=False, by=ANYBODY)
    editing.delete_secret(Secret.objects.get(key="OTHER"), by=ANYBODY)
    editing.set_secret(app, "OTHER", "again", by=ANYBODY)
    first, last = app.imports.all()
    editing.move_import(last, 1, by=ANYBODY)
    editing.point_import(first, Folder.objects.get(path="/live"), by=ANYBODY)
    editing.delete_import(app.imports.get(pk=last.pk), by=ANYBODY)
    editing.rename_folder(Folder.objects.get(pk=app.pk), "moved", by=ANYBODY)
    editing.update_environment(Environment.objects.get(pk=dev.pk), slug="develop", name="Develop", by=ANYBODY)
    editing.create_folder(dev, "/moved/below/more", by=ANYBODY)
    editing.delete_folder(Folder.objects.get(path="/moved/below"), by=ANYBODY)

    call_command("verify_vault")
    found = values(Folder.objects.get(path="/moved"))
    assert found == {"TOKEN": OLD, "A": "3", "B": "1", "LITERAL": "again", "OTHER": "again", "DB": DB}


def test_rotation_seals_again_what_is_whole_and_nothing_else(app: Folder, seen: Rows, settings: Any) -> None:
    from encryption.keyring import generate_key

    attack("imports change places")
    settings.ENCRYPTION_KEYS = [generate_key(), *settings.ENCRYPTION_KEYS]
    counts = [rotate(field) for field in sealed_fields() if field.model._meta.app_label == "vault"]
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]

    assert sum(count.unreadable for count in counts) == 0
    with pytest.raises(Unreadable, match="an import"):
        values(app)
    assert values(Folder.objects.get(path="/live")) == {"DB": DB}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_person_who_has_looked_can_go_on(seen: Rows, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What does not open is entered again or deleted; the rest is accepted as it is, and can be edited."""
    attack(name)
    for folder in Folder.objects.select_related("environment__project"):
        accept_folder(folder)
    for secret in Secret.objects.select_related("folder__environment"):
        editing.update_secret(secret, value="entered again", by=ANYBODY)

    call_command("verify_vault")
    assert "are as they were left" in capsys.readouterr().out


def test_names_and_accepts_one_folder(seen: Rows, capsys: pytest.CaptureFixture[str]) -> None:
    attack("an import goes")
    with pytest.raises(CommandError, match="1 faults"):
        call_command("verify_vault")
    assert "dev:/app is not as DevinSync left it" in capsys.readouterr().out

    with pytest.raises(CommandError, match="no folder shop/dev:/nowhere"):
        call_command("verify_vault", accept=["shop/dev:/nowhere"])
    call_command("verify_vault", accept=["shop/dev:/app"])


# What an earlier release left


@pytest.fixture
def earlier(seen: Rows) -> None:
    texts: list[tuple[SecretVersion, str]] = []
    for version in SecretVersion.objects.select_related("secret__folder__environment"):
        texts.append((version, read_version(version.secret, version.version)))
    for version, text in texts:
        sealed = seal(text, context=f"vault.secret:{version.secret_id}:{version.version}")
        SecretVersion.objects.filter(pk=version.pk).update(sealed_value=sealed)
        Secret.objects.filter(pk=version.secret_id, version=version.version).update(sealed_value=sealed)
    Folder.objects.update(seal="")
    Binding.objects.all().delete()


def test_is_bound_once_and_for_all(app: Folder, earlier: None) -> None:
    with pytest.raises(Unreadable, match=r"Run `manage\.py prepare`"):
        values(app)

    bound = bind_all()

    assert (bound.folders, bound.values) == (
        Folder.objects.count(),
        Secret.objects.count() + SecretVersion.objects.count(),
    )
    assert (bound.unreadable, bound.refused) == ([], [])
    assert values(app)["TOKEN"] == NEW
    assert read_version(Secret.objects.get(key="TOKEN"), 1) == OLD
    call_command("verify_vault")
    assert bind_all().folders == 0


def test_goes_on_where_it_was_stopped(app: Folder, earlier: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from vault import binding

    real = binding.bind_folder
    done: list[Folder] = []

    def stop_at_the_third(folder: Folder, bound: Any) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(folder)
        real(folder, bound)

    monkeypatch.setattr(binding, "bind_folder", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        bind_all()
    monkeypatch.undo()

    assert bind_all().folders == Folder.objects.count() - 2
    assert values(app)["TOKEN"] == NEW


@pytest.mark.parametrize("takes_record", [False, True], ids=["the record stays", "the record goes too"])
def test_nobody_brings_the_old_form_back(app: Folder, earlier: None, takes_record: bool) -> None:
    old = SecretVersion.objects.get(secret__key="TOKEN", version=1).sealed_value
    bind_all()

    execute("UPDATE vault_secret SET sealed_value = %s, version = 1 WHERE key = 'TOKEN'", [old])
    execute("UPDATE vault_folder SET seal = '' WHERE path = '/app'")
    if takes_record:
        Binding.objects.all().delete()
    bound = bind_all()

    assert (bound.folders, bound.refused) == (0, ["shop/dev:/app"])
    with pytest.raises(Unreadable):
        values(app)


def test_a_new_installation_is_done_at_once(db: None) -> None:
    bind_all()
    project = editing.create_project(name="Later", by=ANYBODY)
    Folder.objects.filter(Q(environment__project=project), path="/").update(seal="")

    assert len(bind_all().refused) == 3
