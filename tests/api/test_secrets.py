"""Secrets: many at once, references and their switch, imports as clients merge them. See also `test_vault`."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.actors import ANYBODY
from tests.api.conftest import Caller, make_caller
from vault.editing import add_import, create_folder, set_secrets
from vault.models import Folder, Secret, SecretVersion
from vault.reading import read_secrets

V3 = "/api/v3/secrets/raw"
V4 = "/api/v4/secrets"


@pytest.fixture
def place(folder: Folder) -> dict[str, str]:
    return {"projectId": str(folder.environment.project_id), "environment": "dev", "secretPath": "/my-secrets"}


@pytest.fixture
def query(place: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in place.items())


def values(secrets: list[dict[str, Any]]) -> dict[str, str]:
    return {secret["secretKey"]: secret["secretValue"] for secret in secrets}


def many(count: int, value: str, **fields: object) -> list[dict[str, object]]:
    return [{"secretKey": f"K{number}", "secretValue": f"{value}{number}", **fields} for number in range(count)]


def statements(caller: Caller, method: str, body: dict[str, Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        caller.ask(method, f"{V4}/batch", body)
    return len(queries)


@pytest.mark.postgresql
@pytest.mark.parametrize("what", ["values", "comments", "keys"])
def test_changes_a_thousand_in_as_few_statements_as_it_creates_them(
    editor: Caller, place: dict[str, str], what: str
) -> None:
    """The same number for each chunk; SQLite takes some ninety rows a statement, PostgreSQL any number."""
    created = statements(editor, "POST", place | {"secrets": many(1000, "a")})
    changes = {
        "values": many(1000, "b"),
        "comments": many(1000, "a", secretComment="why"),
        "keys": [{"secretKey": f"K{number}", "newSecretName": f"N{number}"} for number in range(1000)],
    }[what]

    changed = statements(editor, "PATCH", place | {"secrets": changes})
    few = statements(editor, "PATCH", place | {"secrets": [{"secretKey": "DB_URL", "secretValue": "x"}]})

    assert changed <= created + 20
    assert changed <= few + 60
    assert LogEntry.objects.filter(change_message__startswith="Changed").count() == 1001
    if what == "values":
        assert SecretVersion.objects.filter(version=2, secret__key__startswith="K").count() == 1000


def test_deletes_a_thousand_in_few_statements(editor: Caller, place: dict[str, str]) -> None:
    created = statements(editor, "POST", place | {"secrets": many(1000, "a")})
    doomed = [{"secretKey": f"K{number}"} for number in range(1000)]

    assert statements(editor, "DELETE", place | {"secrets": doomed}) <= created + 60
    assert set(Secret.objects.values_list("key", flat=True)) == {"DB_URL", "API_KEY"}


@pytest.mark.postgresql
def test_a_change_of_many_is_all_or_none(editor: Caller, place: dict[str, str], folder: Folder) -> None:
    changes = [{"secretKey": "DB_URL", "secretValue": "new"}, {"secretKey": "API_KEY", "secretValue": "${@a.b.C}"}]

    editor.patch(f"{V4}/batch", place | {"secrets": changes}, status=422)

    assert {secret.key: secret.value for secret in read_secrets(folder)} == {
        "DB_URL": "postgres://db",
        "API_KEY": "k-123",
    }


def test_two_secrets_can_take_each_others_keys(editor: Caller, place: dict[str, str], query: str) -> None:
    swap = [
        {"secretKey": "DB_URL", "newSecretName": "API_KEY"},
        {"secretKey": "API_KEY", "newSecretName": "DB_URL"},
    ]

    assert len(editor.patch(f"{V4}/batch", place | {"secrets": swap})["secrets"]) == 2
    assert values(editor.get(f"{V4}?{query}")["secrets"]) == {"API_KEY": "postgres://db", "DB_URL": "k-123"}
    both = [{"secretKey": key, "newSecretName": "SAME"} for key in ("DB_URL", "API_KEY")]
    editor.patch(f"{V4}/batch", place | {"secrets": both}, status=400)


def test_only_what_is_asked_for_is_resolved(editor: Caller, folder: Folder, query: str) -> None:
    bad = {"BAD": "${NOPE}", "GOOD": "${API_KEY}!", "BROKEN": "1"}
    set_secrets(folder, bad, by=ANYBODY)
    Secret.objects.filter(key="BROKEN").update(sealed_value=Secret.objects.get(key="BAD").sealed_value)

    assert editor.get(f"{V4}/GOOD?{query}")["secret"]["secretValue"] == "k-123!"
    assert editor.get(f"{V4}/BAD?{query}")["secret"]["unresolvedReferences"] == ["${NOPE}"]
    assert "value of BROKEN" in editor.get(f"{V4}/BROKEN?{query}", status=400)["message"]
    assert editor.get(f"{V4}/BAD?{query}&expandSecretReferences=false")["secret"]["secretValue"] == "${NOPE}"
    assert editor.get(f"{V4}/BAD?{query}&viewSecretValue=false")["secret"]["secretValueHidden"]
    editor.get(f"{V4}?{query}", status=400)
    assert len(editor.get(f"{V4}?{query}&viewSecretValue=false")["secrets"]) == 5


def test_references_can_be_turned_off(editor: Caller, place: dict[str, str], query: str) -> None:
    template = "root ${@a.b.C} ${dev.${x}.y} $${z}"
    editor.post(f"{V4}/T", place | {"secretValue": template}, status=422)

    created = editor.post(f"{V4}/T", place | {"secretValue": template, "noReferences": True})["secret"]

    assert (created["secretValue"], created["noReferences"]) == (template, True)
    assert editor.get(f"{V4}/T?{query}")["secret"]["secretValue"] == template
    editor.patch(f"{V4}/T", place | {"noReferences": False}, status=422)
    changed = editor.patch(f"{V4}/T", place | {"noReferences": False, "secretValue": "$${A}"})["secret"]
    assert (changed["version"], "noReferences" in changed) == (2, False)
    assert editor.get(f"{V4}/T?{query}")["secret"]["secretValue"] == "${A}"
    body = place | {"secrets": [{"secretKey": "T", "noReferences": True}, {"secretKey": "U", "noReferences": True}]}
    upserted = editor.patch(f"{V4}/batch", body | {"mode": "upsert"})["secrets"]
    assert [secret["noReferences"] for secret in upserted] == [True, True]


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "value", ["${" + "e" * 65 + ".K}", "${dev." + "K" * 300 + "}", "${dev" + ".abcdefghi" * 110 + ".K}"]
)
def test_what_can_be_no_reference_is_text(editor: Caller, place: dict[str, str], query: str, value: str) -> None:
    editor.post(f"{V4}/T", place | {"secretValue": value})

    assert editor.get(f"{V4}/T?{query}")["secret"]["secretValue"] == value


@pytest.mark.parametrize(
    "comment", ["10\u00a0000", "a\tb", "a\nb", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "東京\u3000本社"]
)
def test_a_comment_may_have_any_text(editor: Caller, place: dict[str, str], comment: str) -> None:
    created = editor.post(f"{V4}/T", place | {"secretValue": "1", "secretComment": comment})["secret"]

    assert created["secretComment"] == comment
    editor.patch(f"{V4}/T", place | {"secretComment": "a\x1b"}, status=422)


def test_a_name_that_looks_like_key_material_is_not_repeated(editor: Caller, place: dict[str, str]) -> None:
    name = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"

    answer = editor.post(f"{V4}/batch", place | {"secrets": [{"secretKey": name, "secretValue": "="}]}, status=422)

    assert "looks like key material" in str(answer)
    assert name[:10] not in str(answer)


def merged(answer: dict[str, Any], *, last_wins: bool) -> dict[str, str]:
    """As clients do it: own secrets first; the Node and Go clients let the first import win, others the last."""
    found: dict[str, str] = {}
    for part in answer["imports"] if last_wins else reversed(answer["imports"]):
        found |= values(part["secrets"])
    return found | values(answer["secrets"])


@pytest.mark.parametrize("address", [V4, V3])
def test_every_client_computes_what_a_sync_reads(editor: Caller, folder: Folder, query: str, address: str) -> None:
    one, two, below = (create_folder(folder.environment, path, by=ANYBODY) for path in ("/one", "/two", "/below"))
    set_secrets(one, {"A": "one", "B": "one", "API_KEY": "one", "D": "one"}, by=ANYBODY)
    set_secrets(two, {"A": "two", "C": "two", "API_KEY": "two"}, by=ANYBODY)
    set_secrets(below, {"B": "below", "D": "below"}, by=ANYBODY)
    add_import(two, below, by=ANYBODY)
    for source in (one, two):
        add_import(folder, source, by=ANYBODY)

    answer = editor.get(f"{address}?{query}&include_imports=true&expandSecretReferences=true")

    read = {secret.key: secret.value for secret in read_secrets(folder)}
    assert merged(answer, last_wins=False) == merged(answer, last_wins=True) == read
    assert [part["secretPath"] for part in answer["imports"]] == ["/one", "/two"]


def test_what_a_folder_overrides_may_be_broken(editor: Caller, folder: Folder, query: str) -> None:
    shared = create_folder(folder.environment, "/shared", by=ANYBODY)
    set_secrets(shared, {"API_KEY": "${NOPE}", "B": "b"}, by=ANYBODY)
    add_import(folder, shared, by=ANYBODY)

    Secret.objects.filter(folder=shared, key="API_KEY").update(sealed_value="ds1.none")

    assert values(editor.get(f"{V4}?{query}")["imports"][0]["secrets"]) == {"B": "b"}
    Secret.objects.filter(folder=shared, key="B").update(sealed_value="ds1.none")
    editor.get(f"{V4}?{query}", status=400)


def test_a_damaged_value_is_hidden_and_can_be_sent_again(editor: Caller, place: dict[str, str], folder: Folder) -> None:
    Secret.objects.filter(key="DB_URL").update(sealed_value=Secret.objects.get(key="API_KEY").sealed_value)
    address = f"{V4}/DB_URL"

    commented = editor.patch(address, place | {"secretComment": "broken"})["secret"]
    assert (commented["secretComment"], commented["secretValueHidden"]) == ("broken", True)
    sent = editor.patch(address, place | {"secretValue": "postgres://new"})["secret"]
    assert (sent["secretValue"], sent["version"]) == ("postgres://new", 2)

    Secret.objects.filter(key="DB_URL").update(sealed_value=Secret.objects.get(key="API_KEY").sealed_value)
    assert editor.delete(address, place)["secret"]["secretValueHidden"]
    assert [secret.key for secret in read_secrets(folder)] == ["API_KEY"]


def test_who_may_not_read_values_is_answered_without_them(place: dict[str, str], folder: Folder) -> None:
    user = User.objects.create_user("writer")
    rights = ["view_project", "view_environment", "view_folder", "view_secret", "add_secret", "change_secret"]
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="vault", codename__in=rights))
    writer = make_caller(user)

    for same_or_other in ("postgres://db", "another"):
        answer = writer.patch(f"{V4}/DB_URL", place | {"secretValue": same_or_other})["secret"]
        assert (answer["secretValue"], answer["secretValueHidden"]) == ("<hidden-by-infisical>", True)
    assert read_secrets(folder)[1].value == "another"
