"""Projects, environments and folders: which routes each edition has, and what they answer."""

from typing import Any

import pytest

from sandbox.infisical.world import Edition, Project, World
from tests.sandbox.caller import Caller, Reply
from tests.sandbox.infisical.asking import errors_of, get

EDITIONS = pytest.mark.parametrize("edition", list(Edition))
FOLDERS, IMPORTS = "/api/v1/folders", "/api/v1/secret-imports"


def names_of(reply: Reply) -> list[Any]:
    return [row.get("relativePath", row["name"]) for row in reply.json["folders"]]


def ask_at(caller: Caller, route: str, project: Project, **query: str) -> Reply:
    return get(caller, route, **({"workspaceId": project.id, "environment": "dev"} | query))


def test_the_projects_are_those_of_the_caller(reader: Caller, world: World, shop: Project) -> None:
    world.add_project("theirs").members.clear()

    projects = get(reader, "/api/v1/projects").json["projects"]

    assert [project["slug"] for project in projects] == ["shop"]
    assert [each["slug"] for each in projects[0]["environments"]] == ["dev", "staging", "prod"]


@EDITIONS
def test_the_older_list_is_for_people_alone(reader: Caller) -> None:
    assert get(reader, "/api/v1/workspace").status == 403


@EDITIONS
def test_a_project_is_found_by_its_id_and_by_its_slug(reader: Caller, shop: Project) -> None:
    by_id = get(reader, f"/api/v1/workspace/{shop.id}").json["workspace"]
    by_slug = get(reader, "/api/v2/workspace/shop").json

    assert by_id == by_slug
    assert (by_id["id"], by_id["name"]) == (shop.id, "The shop")


def test_the_newer_route_says_project(reader: Caller, shop: Project) -> None:
    assert get(reader, f"/api/v1/projects/{shop.id}").json["project"]["slug"] == "shop"


@EDITIONS
@pytest.mark.parametrize("route", ["/api/v1/workspace/{id}", "/api/v2/workspace/shop", f"{FOLDERS}?workspaceId={{id}}"])
def test_a_project_of_others_is_refused_with_the_reason(reader: Caller, shop: Project, route: str) -> None:
    shop.members.clear()

    refused = reader.send("GET", route.format(id=shop.id) + ("&environment=dev" if "?" in route else ""))

    assert errors_of(refused) == (403, "You are not a member of this project")


@EDITIONS
@pytest.mark.parametrize("route", ["/api/v1/workspace/nope", "/api/v2/workspace/nope"])
def test_a_project_that_is_not_there_is_not_found(reader: Caller, shop: Project, route: str) -> None:
    assert errors_of(get(reader, route)) == (404, "NotFound")


@pytest.mark.parametrize("edition", [Edition.OLD])
@pytest.mark.parametrize(
    "route",
    ["/api/v1/projects", "/api/v1/projects/shop", "/api/v2/folders", "/api/v2/secret-imports", "/api/v4/secrets"],
)
def test_an_old_server_has_no_newer_route(reader: Caller, shop: Project, route: str) -> None:
    refused = get(reader, route, projectId=shop.id, environment="dev")

    assert refused.status == 404
    assert refused.json["message"] == f"Route GET:{route} not found"


@EDITIONS
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/v1/nope"), ("POST", FOLDERS), ("DELETE", "/api/v3/secrets/raw")]
)
def test_it_only_reads(reader: Caller, method: str, path: str) -> None:
    assert errors_of(reader.send(method, path)) == (404, "Not Found")


# Folders


@EDITIONS
@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/", ["app", "apple"]),
        ("", ["app", "apple"]),
        ("/app", ["api", "web"]),
        ("app/", ["api", "web"]),
        ("/apple", []),
    ],
)
def test_folders_are_those_just_below(reader: Caller, world: World, shop: Project, path: str, names: list[str]) -> None:
    for each in ("/apple", "/app/api", "/app/web/v1/deep"):
        world.add_folder(shop, "dev", each)

    assert names_of(ask_at(reader, FOLDERS, shop, path=path)) == names


@pytest.mark.parametrize(("edition", "names"), [(Edition.NEW, ["api", "api/v1"]), (Edition.OLD, ["api"])])
def test_a_newer_server_goes_deeper_if_asked(reader: Caller, world: World, shop: Project, names: list[str]) -> None:
    world.add_folder(shop, "dev", "/app/api/v1")

    assert names_of(ask_at(reader, FOLDERS, shop, path="/app", recursive="true")) == names


def test_both_versions_list_the_same_folders(reader: Caller, shop: Project) -> None:
    newer = get(reader, "/api/v2/folders", projectId=shop.id, environment="dev")

    assert newer.json == ask_at(reader, FOLDERS, shop).json
    assert newer.json["folders"][0]["id"] == shop.environments["dev"].folders["/app"].id


@EDITIONS
@pytest.mark.parametrize("route", [FOLDERS, IMPORTS])
@pytest.mark.parametrize(
    "elsewhere", [{"path": "/nope"}, {"environment": "nope"}, {"environment": "prod", "path": "/app"}]
)
def test_a_place_that_is_not_there_is_not_found(
    reader: Caller, shop: Project, route: str, elsewhere: dict[str, str]
) -> None:
    assert errors_of(ask_at(reader, route, shop, **elsewhere)) == (404, "NotFound")


@EDITIONS
@pytest.mark.parametrize("route", [FOLDERS, IMPORTS, "/api/v3/secrets/raw"])
@pytest.mark.parametrize("missing", [{"workspaceId": ""}, {"environment": ""}])
def test_a_question_without_its_place_is_wrong(
    reader: Caller, shop: Project, route: str, missing: dict[str, str]
) -> None:
    assert errors_of(ask_at(reader, route, shop, **missing)) == (400, "BadRequest")


@EDITIONS
def test_imports_are_listed_in_their_order(reader: Caller, shop: Project) -> None:
    folder = shop.environments["dev"].folders["/app"]
    folder.imports += [("prod", "/z"), ("dev", "/a"), ("prod", "/")]

    rows = ask_at(reader, IMPORTS, shop, path="/app").json["secretImports"]

    assert [(row["importEnv"]["slug"], row["importPath"]) for row in rows] == folder.imports
    assert len({row["id"] for row in rows}) == 3
    assert not any(row["isReplication"] for row in rows)
