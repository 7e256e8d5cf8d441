"""The secrets of a folder as each edition answers them: values, references, hidden ones, and what is not there."""

import pytest

from sandbox.infisical.rendering import MASK
from sandbox.infisical.world import Edition, Project, Secret, World
from tests.sandbox.caller import Caller
from tests.sandbox.infisical.asking import V3, V4, errors_of, read, values_of

EDITIONS = pytest.mark.parametrize("edition", list(Edition))
ROUTES = pytest.mark.parametrize("route", [V3, V4])
BOTH = {"secretKey", "secretValue", "secretPath", "type", "version", "workspace", "environment", "tags", "_id", "id"}
NEWER = {"secretValueHidden", "secretMetadata", "isRotatedSecret", "actor"}


@ROUTES
@pytest.mark.parametrize("path", ["/app", "/app/", "app"])
def test_a_folder_is_read_by_either_route(reader: Caller, shop: Project, route: str, path: str) -> None:
    answer = read(reader, shop, route=route, secretPath=path)

    assert values_of(answer.json["secrets"]) == {"A": "a-1", "B": "b-1"}
    assert "imports" not in answer.json


@pytest.mark.parametrize(("edition", "has"), [(Edition.NEW, NEWER), (Edition.OLD, {"metadata"})])
def test_a_row_has_the_fields_of_its_edition(reader: Caller, shop: Project, has: set[str]) -> None:
    row = read(reader, shop, route=V3).json["secrets"][0]

    assert set(row) & (NEWER | {"metadata"}) == has
    assert set(row) >= BOTH
    assert (row["workspace"], row["environment"], row["secretPath"]) == (shop.id, "dev", "/app")


@EDITIONS
@pytest.mark.parametrize("value", ["", " a ", "l\n\r\n", "é√🔑", '"quoted" \\', "x" * 70_000, "$A $ {A} ${}"])
def test_a_value_comes_as_it_is(reader: Caller, world: World, shop: Project, value: str) -> None:
    world.put(shop, "dev", "/app", A=value)

    rows = read(reader, shop, route=V3, expandSecretReferences="true").json["secrets"]

    assert values_of(rows)["A"] == value


def test_comments_and_tags_are_told(reader: Caller, shop: Project) -> None:
    secret = Secret("C", "c", comment="Why it is", tags=("raw", "team"))
    shop.environments["dev"].folders["/app"].secrets.append(secret)

    row = read(reader, shop).json["secrets"][-1]

    assert (row["secretComment"], [tag["slug"] for tag in row["tags"]]) == ("Why it is", ["raw", "team"])


def test_a_change_makes_a_version_and_keeps_the_id(reader: Caller, world: World, shop: Project) -> None:
    before = read(reader, shop).json["secrets"][0]
    world.put(shop, "dev", "/app", A="a-2")

    after = read(reader, shop).json["secrets"][0]

    assert (after["id"], after["version"], after["secretValue"]) == (before["id"], before["version"] + 1, "a-2")


def test_what_is_removed_is_gone(reader: Caller, world: World, shop: Project) -> None:
    world.remove(shop, "dev", "/app", "A")

    assert values_of(read(reader, shop).json["secrets"]) == {"B": "b-1"}


@EDITIONS
def test_a_personal_secret_stands_beside_the_shared_one(reader: Caller, world: World, shop: Project) -> None:
    shop.environments["dev"].folders["/app"].secrets.insert(0, Secret("A", "mine", kind="personal"))
    world.put(shop, "dev", "/app", A="a-2")

    rows = read(reader, shop, route=V3).json["secrets"]

    assert [(row["type"], row["secretValue"]) for row in rows if row["secretKey"] == "A"] == [
        ("personal", "mine"),
        ("shared", "a-2"),
    ]


@pytest.mark.parametrize(("edition", "shown"), [(Edition.NEW, MASK), (Edition.OLD, "canary")])
def test_only_a_newer_server_hides_a_value(reader: Caller, shop: Project, shown: str) -> None:
    shop.environments["dev"].folders["/app"].secrets.append(Secret("H", "canary", is_hidden=True))

    row = read(reader, shop, route=V3).json["secrets"][-1]

    assert row["secretValue"] == shown
    assert row.get("secretValueHidden", False) is (shown == MASK)


@EDITIONS
def test_subfolders_come_with_it_if_asked(reader: Caller, world: World, shop: Project) -> None:
    world.put(shop, "dev", "/app/web/v1", C="c")
    world.put(shop, "dev", "/apple", D="d")

    rows = read(reader, shop, route=V3, recursive="true").json["secrets"]

    assert {row["secretKey"]: row["secretPath"] for row in rows} == {"A": "/app", "B": "/app", "C": "/app/web/v1"}
    whole = read(reader, shop, route=V3, recursive="true", secretPath="/").json["secrets"]
    assert [row["secretKey"] for row in whole] == ["A", "B", "C", "D"]


# What is not there


@pytest.mark.parametrize("place", [{"secretPath": "/nope"}, {"environment": "nope"}])
@pytest.mark.parametrize("recursive", ["true", "false"])
def test_an_old_server_takes_what_is_not_there_for_empty(
    reader: Caller, world: World, shop: Project, place: dict[str, str], recursive: str
) -> None:
    world.edition = Edition.OLD
    asked = {"include_imports": "true", "recursive": recursive, **place}

    answer = read(reader, shop, route=V3, **asked)

    assert (answer.status, answer.json) == (200, {"secrets": [], "imports": []})


@ROUTES
@pytest.mark.parametrize("place", [{"secretPath": "/nope"}, {"environment": "nope"}])
def test_a_newer_server_says_what_is_not_there(
    reader: Caller, shop: Project, route: str, place: dict[str, str]
) -> None:
    assert errors_of(read(reader, shop, route=route, **place)) == (404, "NotFound")


@EDITIONS
def test_a_project_that_is_not_there_is_never_empty(reader: Caller, shop: Project) -> None:
    assert errors_of(read(reader, shop, route=V3, workspaceId="nope")) == (404, "NotFound")


@EDITIONS
def test_a_closed_folder_is_refused(reader: Caller, shop: Project) -> None:
    shop.closed.add(("dev", "/app"))

    refused = read(reader, shop, route=V3)

    assert errors_of(refused) == (403, "PermissionDenied")
    assert b"a-1" not in refused.body


# References


REFERENCES = [
    pytest.param("${A}", "a-1", id="the same folder"),
    pytest.param("${A}:${B}", "a-1:b-1", id="two"),
    pytest.param("${prod.ROOT}", "root", id="the root of an environment"),
    pytest.param("${prod.deep.er.KEY}", "deep", id="a folder of an environment"),
    pytest.param("<${CHAIN}>", "<[a-1]>", id="a reference to a reference"),
    pytest.param("${NOPE}", "${NOPE}", id="a missing key"),
    pytest.param("${nope.A} ${A}", "${nope.A} a-1", id="a missing environment"),
    pytest.param("${prod.nope.A}", "${prod.nope.A}", id="a missing folder"),
    pytest.param("${@other.dev.A}", "${@other.dev.A}", id="another project"),
    pytest.param("${SELF}", "${SELF}", id="itself"),
]


@EDITIONS
@pytest.mark.parametrize(("text", "expanded"), REFERENCES)
def test_references_are_expanded_where_they_lead_somewhere(
    reader: Caller, world: World, shop: Project, text: str, expanded: str
) -> None:
    world.put(shop, "prod", "/", ROOT="root")
    world.put(shop, "prod", "/deep/er", KEY="deep")
    world.put(shop, "dev", "/app", CHAIN="[${A}]", SELF=text)

    asked, unasked = (
        values_of(read(reader, shop, route=V3, expandSecretReferences=flag).json["secrets"])["SELF"]
        for flag in ("true", "false")
    )

    assert (asked, unasked) == (expanded, text)


def test_a_circle_stays(reader: Caller, world: World, shop: Project) -> None:
    world.put(shop, "dev", "/app", A="${B}", B="${A}")

    values = values_of(read(reader, shop, expandSecretReferences="true").json["secrets"])

    assert set(values.values()) == {"${A}", "${B}"}


def test_references_lead_ten_steps_far(reader: Caller, world: World, shop: Project) -> None:
    world.put(shop, "dev", "/app", **{f"K{step}": f"${{K{step + 1}}}" for step in range(11)}, K11="end")

    values = values_of(read(reader, shop, expandSecretReferences="true").json["secrets"])

    assert (values["K0"], values["K1"]) == ("${K11}", "end")
