"""Tags, metadata and reminders: kept, answered, and what secrets are found by."""

from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from encryption.registry import sealed_fields
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from vault.editing import add_import, create_folder, set_secrets
from vault.models import Folder, Secret, SecretMetadata, Tag

V3, V4 = "/api/v3/secrets/raw", "/api/v4/secrets"


@pytest.fixture
def place(folder: Folder) -> dict[str, str]:
    return {"projectId": str(folder.environment.project_id), "environment": "dev", "secretPath": "/my-secrets"}


@pytest.fixture
def query(place: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in place.items())


@pytest.fixture
def tags(editor: Caller, folder: Folder) -> dict[str, str]:
    """The IDs of two tags, by slug."""
    base = f"/api/v1/projects/{folder.environment.project_id}/tags"
    return {slug: editor.post(base, {"slug": slug, "color": "#ff0000"})["tag"]["id"] for slug in ("hot", "cold")}


def keys(answer: dict[str, Any]) -> list[str]:
    return [secret["secretKey"] for secret in answer["secrets"]]


@pytest.mark.parametrize("base", [V3, V4])
def test_what_is_sent_with_a_secret_is_kept(
    editor: Caller, place: dict[str, str], query: str, tags: dict[str, str], base: str
) -> None:
    labels = {
        "tagIds": [tags["hot"]],
        "secretMetadata": [{"key": "team", "value": "billing"}, {"key": "pin", "value": "1-2-3", "isEncrypted": True}],
        "secretReminderNote": "rotate it",
        "secretReminderRepeatDays": 30,
        "skipMultilineEncoding": True,
    }
    editor.post(f"{base}/TOKEN", place | labels | {"secretValue": "t-1"})

    found = editor.get(f"{base}/TOKEN?{query}")["secret"]
    assert found["tags"] == [{"id": tags["hot"], "slug": "hot", "name": "hot", "color": "#ff0000"}]
    assert found["secretMetadata"] == [
        {"key": "pin", "value": "1-2-3", "isEncrypted": True},
        {"key": "team", "value": "billing", "isEncrypted": False},
    ]
    assert (found["secretReminderNote"], found["secretReminderRepeatDays"]) == ("rotate it", 30)
    assert found["skipMultilineEncoding"] is True

    editor.patch(f"{base}/TOKEN", place | {"secretValue": "t-2", "tagIds": None, "secretReminderNote": None})
    assert editor.get(f"{base}/TOKEN?{query}")["secret"]["tags"] == found["tags"]
    editor.patch(f"{base}/TOKEN", place | {"tagIds": [], "secretMetadata": [], "secretReminderNote": ""})
    cleared = editor.get(f"{base}/TOKEN?{query}")["secret"]
    assert (cleared["tags"], cleared["secretMetadata"], cleared["secretReminderNote"]) == ([], [], None)
    assert cleared["secretReminderRepeatDays"] == 30


def test_batches_keep_it_too(editor: Caller, place: dict[str, str], query: str, tags: dict[str, str]) -> None:
    new = [{"secretKey": key, "secretValue": "1", "tagIds": [tags["hot"]]} for key in ("ONE", "TWO")]
    editor.post(f"{V4}/batch", place | {"secrets": new})
    changed = [
        {"secretKey": "ONE", "tagIds": [tags["cold"]]},
        {"secretKey": "NEW", "secretValue": "1", "metadata": {"team": "web"}},
    ]
    editor.patch(f"{V4}/batch", place | {"mode": "upsert", "secrets": changed})

    found = {each["secretKey"]: each for each in editor.get(f"{V4}?{query}")["secrets"]}
    slugs = {key: [tag["slug"] for tag in each["tags"]] for key, each in found.items()}
    assert slugs == {"API_KEY": [], "DB_URL": [], "NEW": [], "ONE": ["cold"], "TWO": ["hot"]}
    assert found["NEW"]["secretMetadata"] == [{"key": "team", "value": "web", "isEncrypted": False}]


@pytest.mark.parametrize(
    ("labels", "status"),
    [
        ({"tagIds": ["none"]}, 422),
        ({"tagIds": ["3c90c3cc-0d44-4b50-8888-8dd25736052a"]}, 422),
        ({"secretMetadata": [{"value": "no key"}]}, 422),
        ({"secretMetadata": "text"}, 422),
        ({"secretReminderRepeatDays": -1}, 422),
        ({"secretReminderNote": "n" * 1025}, 422),
    ],
)
def test_what_cannot_be_kept_is_refused(
    editor: Caller, place: dict[str, str], labels: dict[str, Any], status: int
) -> None:
    editor.post(f"{V4}/TOKEN", place | labels | {"secretValue": "1"}, status=status)

    assert not Secret.objects.filter(key="TOKEN").exists()


@pytest.fixture
def labelled(editor: Caller, folder: Folder, place: dict[str, str], tags: dict[str, str]) -> None:
    pairs = [{"key": "team", "value": "web"}, {"key": "tier", "value": "1"}]
    editor.patch(f"{V4}/DB_URL", place | {"tagIds": list(tags.values()), "secretMetadata": pairs})
    editor.patch(f"{V4}/API_KEY", place | {"tagIds": [tags["hot"]], "secretMetadata": pairs[:1]})
    editor.post(f"{V4}/PLAIN", place | {"secretValue": "1"})


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("tagSlugs=hot", ["API_KEY", "DB_URL"]),
        ("tagSlugs=cold", ["DB_URL"]),
        ("tagSlugs=cold,hot", ["API_KEY", "DB_URL"]),
        ("tag_slugs=cold", ["DB_URL"]),
        ("tagSlugs=none", []),
        ("tagSlugs=", ["API_KEY", "DB_URL", "PLAIN"]),
        ("metadataFilter=key%3Dteam%2Cvalue%3Dweb", ["API_KEY", "DB_URL"]),
        ("metadataFilter=key%3Dteam%2Cvalue%3Dweb%7Ckey%3Dtier%2Cvalue%3D1", ["DB_URL"]),
        ("metadataFilter=key%3Dteam%2Cvalue%3Dnone", []),
        ("tagSlugs=hot&metadataFilter=key%3Dtier%2Cvalue%3D1", ["DB_URL"]),
    ],
)
@pytest.mark.parametrize("base", [V3, V4])
@pytest.mark.usefixtures("labelled")
def test_finds_by_tags_and_metadata(editor: Caller, query: str, said: str, found: list[str], base: str) -> None:
    assert keys(editor.get(f"{base}?{query}&{said}")) == found


@pytest.mark.usefixtures("labelled")
def test_filters_what_is_imported_and_what_is_asked_by_name(editor: Caller, folder: Folder, query: str) -> None:
    outer = create_folder(folder.environment, "/outer", by=ANYBODY)
    set_secrets(outer, {"DB_URL": "untagged"}, by=ANYBODY)
    add_import(create_folder(folder.environment, "/importing", by=ANYBODY), folder, by=ANYBODY)

    answer = editor.get(f"{V4}?{query.replace('my-secrets', 'importing')}&tagSlugs=cold")
    assert [keys(each) for each in answer["imports"]] == [["DB_URL"]]
    assert editor.get(f"{V4}/DB_URL?{query}&tagSlugs=cold")["secret"]["secretKey"] == "DB_URL"
    editor.get(f"{V4}/API_KEY?{query}&tagSlugs=cold", status=404)
    editor.get(f"{V4}/DB_URL?{query.replace('my-secrets', 'outer')}&tagSlugs=cold", status=404)


@pytest.mark.parametrize("text", ["team", "key=team", "key=,value=x", "|".join(["key=a,value=b"] * 11)])
def test_a_filter_that_is_none_is_refused(editor: Caller, query: str, text: str) -> None:
    answer = editor.get(f"{V4}?{query}&metadataFilter={text}", status=422)

    assert answer["message"][0]["path"] == ["metadataFilter"]


@pytest.mark.usefixtures("labelled")
def test_labels_belong_to_the_tag_of_an_answer(
    editor: Caller, folder: Folder, place: dict[str, str], query: str, tags: dict[str, str]
) -> None:
    path = f"{V4}?{query}&tagSlugs=hot"
    seen = [editor.send("GET", path).headers["ETag"], editor.send("GET", f"{V4}?{query}").headers["ETag"]]
    editor.patch(f"{V4}/API_KEY", place | {"secretMetadata": []})
    seen.append(editor.send("GET", path).headers["ETag"])
    base = f"/api/v1/projects/{folder.environment.project_id}/tags/{tags['hot']}"
    editor.patch(base, {"color": "#00ff00"})
    seen.append(editor.send("GET", path).headers["ETag"])
    editor.delete(base)
    seen.append(editor.send("GET", path).headers["ETag"])

    assert len(set(seen)) == len(seen)


def test_encrypted_metadata_is_sealed_and_masked(
    editor: Caller, viewer: Caller, place: dict[str, str], query: str
) -> None:
    pair = {"key": "pin", "value": "canary-1", "isEncrypted": True}
    editor.patch(f"{V4}/DB_URL", place | {"secretMetadata": [pair]})

    row = SecretMetadata.objects.get()
    assert "canary" not in row.value + row.sealed_value
    masked = viewer.send("GET", f"{V4}/DB_URL?{query}&viewSecretValue=false")
    assert "canary" not in masked.content.decode()
    assert keys(editor.get(f"{V4}?{query}&metadataFilter=key%3Dpin%2Cvalue%3D")) == []
    assert "vault.SecretMetadata.sealed_value" in {field.label for field in sealed_fields()}


@pytest.mark.parametrize("kind", ["projects", "workspace"])
def test_tags_are_made_and_changed(editor: Caller, viewer: Caller, folder: Folder, kind: str) -> None:
    base = f"/api/v1/{kind}/{folder.environment.project_id}/tags"

    made = editor.post(base, {"slug": "critical", "name": "Critical", "color": "#ff0000"})
    assert made["tag"] == made["workspaceTag"]
    tag_id = made["tag"]["id"]
    assert viewer.get(base)["workspaceTags"] == viewer.get(base)["tags"] == [made["tag"]]
    assert viewer.get(f"{base}/{tag_id}") == viewer.get(f"{base}/slug/critical") == made
    assert editor.patch(f"{base}/{tag_id}", {"slug": "urgent"})["tag"]["name"] == "Critical"
    editor.post(base, {"slug": "urgent"}, status=400)
    editor.post(base, {"slug": "Not a slug"}, status=422)
    editor.patch(f"{base}/{tag_id}", {"slug": None}, status=422)
    editor.delete(f"{base}/{tag_id}")
    editor.get(f"{base}/{tag_id}", status=404)
    assert not Tag.objects.exists()


def test_a_tag_of_another_project_is_none(editor: Caller, place: dict[str, str], tags: dict[str, str]) -> None:
    other = editor.post("/api/v1/projects", {"projectName": "Other"})["project"]["id"]

    editor.get(f"/api/v1/projects/{other}/tags/{tags['hot']}", status=404)
    at_root = {"projectId": other, "environment": "dev", "secretPath": "/"}
    editor.post(f"{V4}/TOKEN", at_root | {"secretValue": "1", "tagIds": [tags["hot"]]}, status=422)


def test_many_take_no_more_statements_than_one(
    editor: Caller, place: dict[str, str], query: str, tags: dict[str, str]
) -> None:
    from django.db import connection

    def batch(prefix: str, count: int) -> int:
        new = [
            {"secretKey": f"{prefix}{n}", "tagIds": [tags["hot"]], "secretMetadata": [{"key": "n", "value": str(n)}]}
            for n in range(count)
        ]
        with CaptureQueriesContext(connection) as queries:
            editor.post(f"{V4}/batch", place | {"secrets": new})
        return len(queries)

    # Types of rows are looked up once, by whichever request is the first after a test that has emptied their table.
    batch("FIRST", 1)
    assert batch("A", 1) == batch("B", 50)
    with CaptureQueriesContext(connection) as before:
        editor.get(f"{V4}?{query}")
    batch("C", 50)
    with CaptureQueriesContext(connection) as after:
        editor.get(f"{V4}?{query}")
    assert len(before) == len(after)
