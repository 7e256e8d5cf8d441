"""Projects and environments: what is made, changed, refused and written down, by both of their names."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from vault.editing import create_folder, set_secrets
from vault.models import Environment, Project

PROJECTS = "/api/v1/projects"
NOBODY = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
USUAL = ["dev", "staging", "prod"]
DEFAULT_ENVS, PROTECTION = "shouldCreateDefaultEnvs", "hasDeleteProtection"


@pytest.fixture
def base(project: Project) -> str:
    return f"{PROJECTS}/{project.pk}"


@pytest.fixture
def dev(project: Project) -> Environment:
    return project.environments.get(slug="dev")


def slugs(editor: Caller, base: str) -> list[str]:
    return [each["slug"] for each in editor.get(f"{base}/environments")["environments"]]


CREATED: list[Any] = [
    pytest.param({"projectName": "Acme Shop"}, "acme-shop", USUAL, id="a slug made from the name"),
    pytest.param({"projectName": "Acme", "slug": "shop"}, "shop", USUAL, id="a slug of its own"),
    pytest.param({"projectName": "Acme", "slug": "SHOP"}, "shop", USUAL, id="a slug in capitals"),
    pytest.param({"projectName": "A", "shouldCreateDefaultEnvs": False}, "a", [], id="no environments"),
    pytest.param(
        {"projectName": "A", "type": "secret-manager", "template": None},
        "a",
        ["dev", "staging", "prod"],
        id="what clients send",
    ),
]


@pytest.mark.parametrize(("body", "slug", "environments"), CREATED)
def test_creates(editor: Caller, body: dict[str, Any], slug: str, environments: list[str]) -> None:
    made = editor.post(PROJECTS, body)["project"]

    assert (made["slug"], [each["slug"] for each in made["environments"]]) == (slug, environments)
    assert editor.get(f"{PROJECTS}/{made['id']}")["project"] == made


REFUSED: list[Any] = [
    pytest.param({}, 422, "projectName", id="no name"),
    pytest.param({"projectName": "   "}, 422, "projectName", id="a name of blanks"),
    pytest.param({"projectName": "x" * 65}, 422, "projectName", id="a name too long"),
    pytest.param({"projectName": "A", "slug": "not a slug"}, 422, "slug", id="no slug"),
    pytest.param({"projectName": "A", "slug": "a--b"}, 422, "slug", id="two hyphens"),
    pytest.param({"projectName": "???"}, 422, "slug", id="a name that makes no slug"),
    pytest.param({"projectName": "A", "type": "cert-manager"}, 422, "type", id="a project of another kind"),
    pytest.param(
        {"projectName": "A", "hasDeleteProtection": True},
        422,
        "hasDeleteProtection",
        id="a promise that it cannot keep",
    ),
    pytest.param({"projectName": "A", "kmsKeyId": "k"}, 422, "kmsKeyId", id="a key store"),
    pytest.param({"projectName": "A", "shouldCreateDefaultEnvs": "yes"}, 422, DEFAULT_ENVS, id="a word for a switch"),
    pytest.param({"projectName": 5}, 422, "projectName", id="a number for a name"),
]


@pytest.mark.parametrize(("body", "status", "field"), REFUSED)
def test_refuses_to_create_and_says_at_which_field(
    editor: Caller, body: dict[str, Any], status: int, field: str
) -> None:
    answer = editor.post(PROJECTS, body, status=status)

    assert [issue["path"] for issue in answer["message"]] == [[field]]
    assert not Project.objects.exists()


def test_a_slug_is_taken_once_whatever_its_case(editor: Caller, project: Project, base: str) -> None:
    other = editor.post(PROJECTS, {"projectName": "Other"})["project"]

    for refused in (
        editor.post(PROJECTS, {"projectName": "Acme", "slug": "ACME-shop"}, status=400),
        editor.patch(f"{PROJECTS}/{other['id']}", {"slug": "acme-shop"}, status=400),
    ):
        assert "acme-shop" in refused["message"]
    assert editor.patch(base, {"slug": "acme-shop"})["project"]["slug"] == "acme-shop", "its own is free to it"


CHANGES: list[Any] = [
    pytest.param({"name": "New"}, {"name": "New", "slug": "acme-shop", "description": "d"}, id="a name"),
    pytest.param({"slug": "new"}, {"name": "Acme shop", "slug": "new", "description": "d"}, id="a slug"),
    pytest.param({"description": "other"}, {"description": "other"}, id="a description"),
    pytest.param({"description": ""}, {"description": None}, id="an empty description"),
    pytest.param({}, {"name": "Acme shop", "slug": "acme-shop", "description": "d"}, id="nothing"),
    pytest.param({"unknown": 1}, {"name": "Acme shop"}, id="nothing that is known"),
]


@pytest.mark.parametrize(("body", "expected"), CHANGES)
def test_changes_what_is_sent(
    editor: Caller, project: Project, base: str, body: dict[str, Any], expected: dict[str, Any]
) -> None:
    Project.objects.update(description="d")

    changed = editor.patch(base, body)["project"]

    assert {name: changed[name] for name in expected} == expected
    assert editor.get(base)["project"] == changed


@pytest.mark.parametrize(
    "body", [{"name": ""}, {"name": None}, {"slug": ""}, {"slug": None}, {"slug": "A B"}, {"description": "x" * 257}]
)
def test_refuses_a_change_and_leaves_all_as_it_was(editor: Caller, base: str, body: dict[str, Any]) -> None:
    before = editor.get(base)

    editor.patch(base, body, status=422)

    assert editor.get(base) == before


MISSING = (f"{PROJECTS}/{NOBODY}", f"{PROJECTS}/acme", f"{PROJECTS}/slug/none", f"{PROJECTS}/{NOBODY}/environments")


@pytest.mark.parametrize("path", MISSING)
def test_what_is_not_there_is_not_found(editor: Caller, project: Project, path: str) -> None:
    assert editor.get(path, status=404)["error"] == "NotFound"


def test_an_id_counts_in_any_spelling(editor: Caller, project: Project) -> None:
    for spelling in (str(project.pk).upper(), project.pk.hex):
        assert editor.get(f"{PROJECTS}/{spelling}")["project"]["slug"] == "acme-shop"


def test_environments_stand_in_order_and_take_a_place(editor: Caller, base: str) -> None:
    editor.post(f"{base}/environments", {"name": "Preview", "slug": "preview"})
    editor.post(f"{base}/environments", {"name": "First", "slug": "first", "position": 0})

    assert slugs(editor, base)[0] == "first"
    assert slugs(editor, base)[-1] == "preview"


def test_an_environments_slug_is_its_projects_own(editor: Caller, base: str) -> None:
    other = editor.post(PROJECTS, {"projectName": "Other"})["project"]["id"]

    taken = editor.post(f"{base}/environments", {"name": "Again", "slug": "DEV"}, status=400)
    assert "dev" in taken["message"]
    assert slugs(editor, f"{PROJECTS}/{other}") == ["dev", "staging", "prod"]


ENVIRONMENT_CHANGES: list[Any] = [
    pytest.param({"name": "Local"}, {"name": "Local", "slug": "dev"}, id="a name"),
    pytest.param({"slug": "local"}, {"name": "Development", "slug": "local"}, id="a slug"),
    pytest.param({"position": 9}, {"position": 9, "slug": "dev"}, id="a place"),
    pytest.param({}, {"name": "Development", "slug": "dev"}, id="nothing"),
]


@pytest.mark.parametrize(("body", "expected"), ENVIRONMENT_CHANGES)
def test_changes_an_environment(
    editor: Caller, base: str, dev: Environment, body: dict[str, Any], expected: dict[str, Any]
) -> None:
    answer = editor.patch(f"{base}/environments/{dev.pk}", body)

    assert {name: answer["environment"][name] for name in expected} == expected
    assert answer["workspace"] == str(dev.project_id)
    assert editor.get(f"{base}/environments/{dev.pk}")["environment"] == answer["environment"]


@pytest.mark.parametrize(
    "body",
    [{"position": -1}, {"position": 10_001}, {"position": "1"}, {"position": 1.5}, {"position": True}, {"slug": "a b"}],
)
def test_refuses_an_environment_that_breaks_a_rule(
    editor: Caller, base: str, dev: Environment, body: dict[str, Any]
) -> None:
    editor.patch(f"{base}/environments/{dev.pk}", body, status=422)

    assert slugs(editor, base) == ["dev", "prod"]


def test_an_environment_is_found_in_its_own_project_only(editor: Caller, dev: Environment) -> None:
    other = editor.post(PROJECTS, {"projectName": "Other"})["project"]["id"]
    path = f"{PROJECTS}/{other}/environments/{dev.pk}"

    editor.get(path, status=404)
    editor.patch(path, {"name": "Mine"}, status=404)
    editor.delete(path, status=404)

    assert Environment.objects.get(pk=dev.pk).name == "Development"


def test_an_environment_that_another_imports_stays(editor: Caller, project: Project, base: str) -> None:
    dev, prod = (project.environments.get(slug=slug) for slug in ("dev", "prod"))
    create_folder(dev, "/shared", by=ANYBODY)
    place = {"projectId": str(project.pk), "environment": "prod", "path": "/"}
    editor.post("/api/v2/secret-imports", place | {"import": {"environment": "dev", "path": "/shared"}})

    refused = editor.delete(f"{base}/environments/{dev.pk}", status=400)

    assert "prod:/" in refused["message"]
    editor.delete(f"{base}/environments/{prod.pk}")
    editor.delete(f"{base}/environments/{dev.pk}")
    assert slugs(editor, base) == []


def test_a_project_goes_with_its_secrets_and_leaves_a_word_in_the_log(
    editor: Caller, project: Project, dev: Environment, base: str
) -> None:
    folder = create_folder(dev, "/app", by=ANYBODY)
    set_secrets(folder, {"TOKEN": "canary-4711"}, by=ANYBODY)

    gone = editor.delete(base)["project"]

    assert gone["slug"] == "acme-shop"
    assert not Project.objects.exists()
    entry = LogEntry.objects.latest("pk")
    assert (entry.object_id, entry.user.get_username()) == (str(project.pk), "editor")
    assert "canary" not in entry.change_message + entry.object_repr


@pytest.mark.parametrize("path", ["/api/v1/projects/{pk}", "/api/v1/workspace/{pk}", "/api/v2/workspace/acme-shop"])
def test_a_project_that_a_sync_belongs_to_stays_by_whatever_route(
    editor: Caller, project: Project, sync: DevinSync, path: str
) -> None:
    refused = editor.delete(path.format(pk=project.pk), status=400)

    assert sync.name in refused["message"]
    assert Project.objects.filter(pk=project.pk).exists()


WRITES = [
    ("POST", PROJECTS, {"projectName": "B"}),
    ("PATCH", "{base}", {"name": "B"}),
    ("DELETE", "{base}", None),
    ("POST", "{base}/environments", {"name": "B", "slug": "b"}),
    ("PATCH", "{base}/environments/{dev}", {"name": "B"}),
    ("DELETE", "{base}/environments/{dev}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_who_only_looks_changes_nothing(
    viewer: Caller, base: str, dev: Environment, *, method: str, path: str, body: Any
) -> None:
    viewer.ask(method, path.format(base=base, dev=dev.pk), body, status=403)

    assert viewer.get(PROJECTS)["projects"][0]["name"] == "Acme shop"
    assert slugs(viewer, base) == ["dev", "prod"]


def test_the_same_key_creates_one_project(editor: Caller) -> None:
    first = editor.post(PROJECTS, {"projectName": "Once"}, Idempotency_Key="k")
    again = editor.post(PROJECTS, {"projectName": "Once"}, Idempotency_Key="k")

    assert again == first
    assert Project.objects.count() == 1
