"""What is sealed under which key: counted, checked at the start, and looked at while the site runs."""

import json
from collections.abc import Callable
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection as database
from pytest_django import DjangoAssertNumQueries, Settings

from api.models import IdempotencyKey
from connections.models import Connection
from encryption import fingerprint
from encryption.checks import check_key_ids, check_keys, key_ids_in_use, require_known_keys, unknown_key_ids
from encryption.registry import fingerprint_fields, register_fingerprints, register_sealed, sealed_fields

UseKeys = Callable[..., str]

pytestmark = pytest.mark.django_db


def make_connection(number: int = 1) -> Connection:
    made = Connection(name=f"acme-{number}", base_url="https://devin.example")
    made.set_api_key(f"cog_{number}")
    made.save()
    return made


def make_fingerprint(number: int = 1) -> IdempotencyKey:
    user, _ = User.objects.get_or_create(username="ann")
    return IdempotencyKey.objects.create(user=user, key=str(number), fingerprint=fingerprint(str(number)))


def rotate_all() -> list[str]:
    out = StringIO()
    call_command("rotate_encryption_keys", stdout=out)
    return out.getvalue().splitlines()


# Counting


def test_counts_tokens_and_fingerprints_of_every_field_together(use_keys: UseKeys) -> None:
    old = use_keys("old")
    make_connection(1), make_connection(2), make_fingerprint(1)
    new = use_keys("new", "old")
    make_connection(3), make_fingerprint(2), make_fingerprint(3)

    assert key_ids_in_use() == {old: 3, new: 3}


def test_counts_nothing_before_the_first_migrate(use_keys: UseKeys, transactional_db: None) -> None:
    use_keys("old")
    make_connection()
    use_keys("new")
    with database.schema_editor() as editor:
        editor.alter_db_table(Connection, Connection._meta.db_table, "elsewhere")
    try:
        assert key_ids_in_use() == {}
        require_known_keys()
    finally:
        with database.schema_editor() as editor:
            editor.alter_db_table(Connection, "elsewhere", Connection._meta.db_table)


def listed(*options: str) -> str:
    out = StringIO()
    call_command("encryption_keys", *options, stdout=out)
    return out.getvalue()


def test_lists_the_keys_that_data_is_sealed_with_and_those_that_are_lacking(use_keys: UseKeys) -> None:
    lost = use_keys("lost")
    make_connection(1), make_connection(2), make_fingerprint(1)
    new = use_keys("new")
    make_connection(3), make_fingerprint(2)

    lines = listed().splitlines()

    lacking = "  ENCRYPTION_KEYS lacks it: put it in again, after the newest"
    assert sorted(lines) == sorted([f"{lost}  2 values{lacking}", f"{new}  1 values"])
    assert json.loads(listed("--json")) == {lost: {"count": 2, "known": False}, new: {"count": 1, "known": True}}


def test_a_key_that_has_sealed_nothing_yet_is_listed_as_the_newest(use_keys: UseKeys) -> None:
    new = use_keys("new")

    assert listed().splitlines() == [
        "Nothing is sealed yet.",
        f"{new}  the newest; what is sealed from now on is sealed with it",
    ]
    assert json.loads(listed("--json")) == {}


# The start


def test_names_all_that_is_sealed_with_a_key_that_is_lacking(use_keys: UseKeys) -> None:
    first = use_keys("first")
    make_connection(1), make_connection(2)
    second = use_keys("second")
    make_connection(3)
    use_keys("third")

    label = "connections.Connection.sealed_credentials are sealed with encryption key"
    messages = [f"{count} of {label} {key_id}" for key_id, count in sorted({first: 2, second: 1}.items())]
    with pytest.raises(ImproperlyConfigured) as raised:
        require_known_keys()
    assert str(raised.value) == (
        f"{'; '.join(messages)}, which ENCRYPTION_KEYS lacks. Put it in again, after the newest one."
    )
    errors = check_key_ids(databases=["default"])
    assert [error.msg for error in errors] == [f"{message}, which ENCRYPTION_KEYS lacks." for message in messages]
    assert {error.hint for error in errors} == {"Put that key into ENCRYPTION_KEYS again, after the newest one."}


def test_a_fingerprint_of_a_lost_key_does_not_keep_the_site_from_starting(use_keys: UseKeys) -> None:
    use_keys("old")
    make_fingerprint()
    use_keys("new")

    require_known_keys()

    assert check_key_ids(databases=["default"]) == []


def test_rows_are_looked_at_only_where_the_database_is_checked(use_keys: UseKeys) -> None:
    use_keys("old")
    make_connection()
    use_keys("new")

    assert check_key_ids(databases=None) == check_key_ids(databases=[]) == []


def test_keys_that_are_none_are_told_once(use_keys: UseKeys, settings: Settings) -> None:
    use_keys("old")
    make_connection()
    settings.ENCRYPTION_KEYS = ["canary"]

    assert check_key_ids(databases=["default"]) == []
    (error,) = check_keys()
    assert error.msg.startswith("Key 1 of ENCRYPTION_KEYS is not 32 bytes in base64.")


# While the site runs


def test_finds_the_keys_that_are_lacking(use_keys: UseKeys) -> None:
    old = use_keys("old")
    make_connection(1)
    lost = use_keys("lost", "old")
    make_connection(2)
    assert unknown_key_ids() == set()

    use_keys("new", "old")
    assert unknown_key_ids() == {lost}

    use_keys("new")
    assert unknown_key_ids() == {lost, old}


def test_looks_at_a_few_rows_of_each_field_however_many_there_are(
    use_keys: UseKeys, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    old = use_keys("old")
    for number in range(25):
        make_connection(number)
    use_keys("new")

    with django_assert_num_queries(len(list(sealed_fields()))) as asked:
        assert unknown_key_ids() == {old}
    assert all("LIMIT 20" in query["sql"] for query in asked.captured_queries)


def test_what_is_no_token_has_no_key_that_could_be_lacking() -> None:
    for number, text in enumerate(("", "plain", "a.b", "a.b.c.d")):
        Connection.objects.create(name=f"odd-{number}", base_url="https://devin.example", sealed_credentials=text)

    assert unknown_key_ids() == set()


# The command


def test_says_which_keys_may_go_and_which_are_still_used(use_keys: UseKeys) -> None:
    oldest = use_keys("oldest")
    make_fingerprint(1), make_fingerprint(2)
    old = use_keys("old", "oldest")
    make_connection(1)
    new = use_keys("new", "old", "oldest")
    make_connection(2)

    said = rotate_all()

    assert said[0] == f"The newest key is {new}."
    assert "connections.Connection.sealed_credentials: 1 sealed again, 1 already current, 0 unreadable" in said
    assert said[-2:] == [
        f"Key {old} is no longer used: take it out of ENCRYPTION_KEYS.",
        f"Key {oldest} is still used by 2: keep it until the syncs have run once more.",
    ]


def test_says_how_many_it_could_not_open(use_keys: UseKeys) -> None:
    lost = use_keys("lost")
    make_connection(1), make_connection(2)
    use_keys("old")
    make_connection(3)
    use_keys("new", "old")
    out = StringIO()

    with pytest.raises(CommandError) as raised:
        call_command("rotate_encryption_keys", stdout=out)

    assert str(raised.value) == (
        "2 could not be opened and are as they were: their key is missing from ENCRYPTION_KEYS, or they were altered. "
        "Add the key and run this again, or enter those values anew."
    )
    assert (
        "connections.Connection.sealed_credentials: 1 sealed again, 0 already current, 2 unreadable" in out.getvalue()
    )
    assert key_ids_in_use()[lost] == 2


# The fields


def test_a_field_is_known_by_what_it_was_registered_as() -> None:
    """Again what the app has registered itself, so nothing is left behind."""
    register_sealed(Connection, "sealed_credentials", context=Connection.credentials_context)
    register_fingerprints(IdempotencyKey, "fingerprint")

    sealed = {field.label: field for field in sealed_fields()}
    fingerprints = {field.label: field for field in fingerprint_fields()}
    row = make_connection()
    assert sealed.keys() & fingerprints.keys() == set()
    assert [one.pk for one in sealed["connections.Connection.sealed_credentials"].rows()] == [row.pk]
    assert sealed["connections.Connection.sealed_credentials"].context(row) == row.credentials_context()
    assert fingerprints["api.IdempotencyKey.fingerprint"].name == "fingerprint"
    assert fingerprints["api.IdempotencyKey.fingerprint"].count_by_key() == {}
