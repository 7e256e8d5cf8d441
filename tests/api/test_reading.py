"""Answers that a client need not fetch again, and references that lead nowhere."""

from typing import Any

import pytest

from syncs.engine.preview import preview
from syncs.errors import SourceProblem
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from vault.editing import add_import, create_folder, delete_secret, set_secrets, update_secret
from vault.models import Folder, Stored
from vault.values import open_stored

V3 = "/api/v3/secrets/raw"
V4 = "/api/v4/secrets"


@pytest.fixture
def query(folder: Folder) -> str:
    return f"projectId={folder.environment.project_id}&environment=dev&secretPath=/my-secrets"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the secrets whose values were opened."""
    real, keys = open_stored, []

    def note(secret: Stored, *, place: str) -> str:
        keys.append(secret.key)
        return real(secret, place=place)

    monkeypatch.setattr("vault.loading.open_stored", note)
    return keys


def held(caller: Caller, path: str) -> str:
    response = caller.send("GET", path)
    assert response.status_code == 200
    return str(response.headers["ETag"])


@pytest.mark.parametrize("base", [V3, V4, f"{V3}/DB_URL", f"{V4}/DB_URL"])
@pytest.mark.parametrize(
    "wishes", ["", "&includeImports=true", "&expandSecretReferences=true", "&viewSecretValue=false"]
)
def test_who_has_the_answer_is_not_told_again(
    editor: Caller, query: str, opened: list[str], base: str, wishes: str
) -> None:
    path = f"{base}?{query}{wishes}"
    etag = held(editor, path)
    assert etag == held(editor, path)
    assert etag.startswith('"')
    opened.clear()

    for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = editor.send("GET", path, If_None_Match=sent)
        assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", etag)

    assert opened == []
    assert editor.send("GET", path, If_None_Match='"other"').status_code == 200


def test_one_secret_by_its_id_too(editor: Caller, folder: Folder) -> None:
    path = f"{V4}/id/{folder.secrets.get(key='DB_URL').pk}"

    assert editor.send("GET", path, If_None_Match=held(editor, path)).status_code == 304


def test_every_change_of_the_answer_changes_its_tag(editor: Caller, folder: Folder, query: str) -> None:
    shared = create_folder(folder.environment, "/shared", by=ANYBODY)
    path = f"{V4}?{query}"
    tags = [held(editor, path)]

    def changed() -> None:
        tags.append(held(editor, path))

    secret = folder.secrets.get(key="DB_URL")
    update_secret(secret, value="changed", by=ANYBODY)
    changed()
    update_secret(secret, comment="why", by=ANYBODY)
    changed()
    update_secret(secret, key="DB_ADDRESS", by=ANYBODY)
    changed()
    set_secrets(shared, {"REGION": "eu"}, by=ANYBODY)
    add_import(folder, shared, by=ANYBODY)
    changed()
    set_secrets(shared, {"REGION": "us"}, by=ANYBODY)
    changed()
    delete_secret(folder.secrets.get(key="API_KEY"), by=ANYBODY)
    changed()

    assert len(set(tags)) == len(tags)


def test_a_change_elsewhere_does_not(editor: Caller, folder: Folder, query: str) -> None:
    before = held(editor, f"{V4}?{query}"), held(editor, f"{V4}/DB_URL?{query}&includeImports=false")

    set_secrets(create_folder(folder.environment, "/elsewhere", by=ANYBODY), {"OTHER": "1"}, by=ANYBODY)
    assert held(editor, f"{V4}?{query}") == before[0]
    set_secrets(folder, {"API_KEY": "changed"}, by=ANYBODY)
    assert held(editor, f"{V4}/DB_URL?{query}&includeImports=false") == before[1]


def test_what_a_value_refers_to_counts(editor: Caller, folder: Folder, query: str) -> None:
    shared = create_folder(folder.environment, "/shared", by=ANYBODY)
    set_secrets(shared, {"HOST": "one"}, by=ANYBODY)
    set_secrets(folder, {"URL": "https://${dev.shared.HOST}"}, by=ANYBODY)
    before = held(editor, f"{V4}?{query}"), held(editor, f"{V4}/URL?{query}")

    set_secrets(shared, {"HOST": "two"}, by=ANYBODY)

    assert held(editor, f"{V4}?{query}") != before[0]
    assert held(editor, f"{V4}/URL?{query}") != before[1]


def test_a_tag_opens_nothing(editor: Caller, viewer: Caller, anonymous: Caller, query: str) -> None:
    etag = held(editor, f"{V4}?{query}")

    assert viewer.send("GET", f"{V4}?{query}", If_None_Match=etag).status_code == 403
    assert anonymous.send("GET", f"{V4}?{query}", If_None_Match=etag).status_code == 401
    assert held(viewer, f"{V4}?{query}&viewSecretValue=false") != etag


@pytest.fixture
def broken(folder: Folder) -> Folder:
    """A folder with references of every kind that leads nowhere."""
    values = {
        "URL": "https://${NONE}/${API_KEY}",
        "OUTER": "see ${URL}",
        "ELSEWHERE": "${prod.none.KEY}",
        "ONE": "1${TWO}",
        "TWO": "2${ONE}",
        "SELF": "${SELF}",
        "FINE": "${API_KEY}",
    }
    # The rules at saving refuse some of these; what was saved before they were made is still there.
    set_secrets(folder, values, by=ANYBODY)
    return folder


def values(secrets: list[dict[str, Any]]) -> dict[str, str]:
    return {secret["secretKey"]: secret["secretValue"] for secret in secrets}


def test_a_dead_reference_stays_as_text_and_is_named(editor: Caller, broken: Folder, query: str) -> None:
    response = editor.send("GET", f"{V4}?{query}")
    secrets = response.json()["secrets"]

    assert values(secrets) == {
        "API_KEY": "k-123",
        "DB_URL": "postgres://db",
        "URL": "https://${NONE}/k-123",
        "OUTER": "see https://${NONE}/k-123",
        "ELSEWHERE": "${prod.none.KEY}",
        "ONE": "1${TWO}",
        "TWO": "2${ONE}",
        "SELF": "${SELF}",
        "FINE": "k-123",
    }
    assert {each["secretKey"]: each.get("unresolvedReferences") for each in secrets} == {
        "API_KEY": None,
        "DB_URL": None,
        "URL": ["${NONE}"],
        "OUTER": ["${NONE}"],
        "ELSEWHERE": ["${prod.none.KEY}"],
        "ONE": ["${TWO}"],
        "TWO": ["${ONE}"],
        "SELF": ["${SELF}"],
        "FINE": None,
    }
    assert response.headers["X-Unresolved-References"] == "ELSEWHERE, ONE, OUTER, SELF, TWO, URL"


@pytest.mark.parametrize(("key", "value"), [("URL", "https://${NONE}/k-123"), ("TWO", "2${ONE}")])
def test_one_secret_is_read_like_many(editor: Caller, broken: Folder, query: str, key: str, value: str) -> None:
    response = editor.send("GET", f"{V4}/{key}?{query}")

    assert response.json()["secret"]["secretValue"] == value
    assert response.headers["X-Unresolved-References"] == key
    fine = editor.send("GET", f"{V4}/FINE?{query}")
    assert "X-Unresolved-References" not in fine.headers
    assert "unresolvedReferences" not in fine.json()["secret"]


def test_an_imported_secret_is_read_alike(editor: Caller, broken: Folder, query: str) -> None:
    outer = create_folder(broken.environment, "/outer", by=ANYBODY)
    add_import(outer, broken, by=ANYBODY)

    response = editor.send("GET", f"{V4}?{query.replace('my-secrets', 'outer')}")

    (imported,) = response.json()["imports"]
    assert values(imported["secrets"])["URL"] == "https://${NONE}/k-123"
    assert "URL" in response.headers["X-Unresolved-References"]


def test_unread_values_name_nothing(viewer: Caller, editor: Caller, broken: Folder, query: str) -> None:
    masked = viewer.send("GET", f"{V4}?{query}&viewSecretValue=false")
    raw = editor.send("GET", f"{V4}?{query}&expandSecretReferences=false")

    for response in (masked, raw):
        assert "X-Unresolved-References" not in response.headers
        assert "unresolvedReferences" not in response.content.decode()


def test_a_sync_still_fails_and_names_it(broken: Folder, sync: DevinSync, organization: object) -> None:
    with pytest.raises(SourceProblem, match="ELSEWHERE"):
        preview(sync)
