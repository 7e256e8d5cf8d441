"""Rotation of keys: everything, restartable, refusing what does not open; and the start without a key."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from pytest_django import Settings

from connections.models import Connection
from encryption import current_key_id, key_id_of, rotation, seal, unseal
from encryption.checks import check_key_ids, check_keys, require_known_keys
from encryption.registry import SealedField
from encryption.rotation import Count, rotate

UseKeys = Callable[..., str]
FIELD = SealedField(Connection, "sealed_credentials", Connection.credentials_context)

pytestmark = pytest.mark.django_db


def make_connections(count: int) -> list[Connection]:
    made = [Connection(name=f"acme-{number}", base_url="https://devin.example") for number in range(count)]
    for number, connection in enumerate(made):
        connection.set_api_key(f"cog_{number}")
        connection.save()
    return made


def api_keys() -> list[str]:
    return sorted(connection._api_key() for connection in Connection.objects.all())


def keys_in_use() -> set[str]:
    return {key_id_of(token) for token in Connection.objects.values_list("sealed_credentials", flat=True)}


def run_command() -> str:
    out = StringIO()
    call_command("rotate_encryption_keys", stdout=out)
    return out.getvalue()


def test_seals_everything_under_the_newest_key(use_keys: UseKeys) -> None:
    old = use_keys("old")
    make_connections(3)
    new = use_keys("new", "old")

    said = run_command()

    assert keys_in_use() == {new}
    assert "connections.Connection.sealed_credentials: 3 sealed again, 0 already current, 0 unreadable" in said
    assert f"Key {old} is no longer used: take it out of ENCRYPTION_KEYS." in said
    use_keys("new")
    assert api_keys() == ["cog_0", "cog_1", "cog_2"]


def test_a_second_rotation_has_nothing_to_do(use_keys: UseKeys) -> None:
    use_keys("old")
    make_connections(2)
    use_keys("new", "old")
    rotate(FIELD)

    assert rotate(FIELD) == Count(resealed=0, current=2)


@pytest.mark.parametrize("stopped_after", range(5))
def test_goes_on_where_it_was_stopped(use_keys: UseKeys, monkeypatch: pytest.MonkeyPatch, stopped_after: int) -> None:
    use_keys("old")
    make_connections(5)
    new = use_keys("new", "old")
    monkeypatch.setattr(rotation, "BATCH", 2)
    monkeypatch.setattr(rotation, "seal", fail_after(stopped_after, seal))
    with pytest.raises(KeyboardInterrupt):
        rotate(FIELD)
    monkeypatch.undo()

    count = rotate(FIELD)

    assert (count.resealed, count.current) == (5 - stopped_after, stopped_after)
    assert keys_in_use() == {new}
    assert api_keys() == [f"cog_{number}" for number in range(5)]


def fail_after(calls: int, function: Callable[..., str]) -> Callable[..., str]:
    left = [calls]

    def failing(plaintext: str, *, context: str) -> str:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return function(plaintext, context=context)

    return failing


def test_a_change_made_meanwhile_is_not_overwritten(use_keys: UseKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys("old")
    (connection,) = make_connections(1)
    use_keys("new", "old")

    def change_then_unseal(token: str, *, context: str) -> str:
        connection.set_api_key("cog_changed")
        connection.save()
        return unseal(token, context=context)

    monkeypatch.setattr(rotation, "unseal", change_then_unseal)

    assert rotate(FIELD).resealed == 0
    assert api_keys() == ["cog_changed"]


def test_what_was_altered_or_swapped_is_refused_and_left(use_keys: UseKeys) -> None:
    use_keys("old")
    one, two, _ = make_connections(3)
    swapped = Connection.objects.filter(pk=one.pk)
    swapped.update(sealed_credentials=two.sealed_credentials)
    use_keys("new", "old")

    with pytest.raises(CommandError, match="1 could not be opened and are as they were"):
        run_command()

    assert swapped.get().sealed_credentials == two.sealed_credentials
    assert Connection.objects.filter(sealed_credentials__startswith=f"ds1.{current_key_id()}").count() == 2


def test_an_empty_field_is_nothing_to_seal() -> None:
    Connection.objects.create(name="empty", base_url="https://devin.example")

    assert rotate(FIELD) == Count()


# The start


def test_starts_with_all_keys(use_keys: UseKeys) -> None:
    use_keys("old")
    make_connections(1)
    use_keys("new", "old")

    require_known_keys()

    assert check_key_ids(databases=["default"]) == []


def test_does_not_start_without_a_key_in_use_and_names_it(use_keys: UseKeys) -> None:
    old = use_keys("old")
    make_connections(2)
    use_keys("new")

    with pytest.raises(ImproperlyConfigured, match=f"2 of connections.Connection.sealed_credentials .* key {old}"):
        require_known_keys()

    (error,) = check_key_ids(databases=["default"])
    assert (error.id, old in error.msg) == ("encryption.E002", True)


def test_the_check_of_the_settings_finds_a_key_that_is_none(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ["canary"]

    (error,) = check_keys()

    assert error.id == "encryption.E001"
    assert "canary" not in error.msg


def test_the_command_prints_a_key_that_works(settings: Settings) -> None:
    out = StringIO()
    call_command("generate_encryption_key", stdout=out)

    settings.ENCRYPTION_KEYS = [out.getvalue().strip()]

    assert check_keys() == []
