"""Infisical, read through the protocol: what a folder is, and what is never taken for a smaller one."""

from collections.abc import Callable

import pytest

from connections.models import Connection
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Edition, Project, Secret
from sources.errors import PlaceMissing, Refused, Unavailable, Untrustworthy
from sources.infisical.kind import find_project, list_projects
from sources.infisical.rows import Reading, Unbelievable, as_secrets
from sources.infisical.source import InfisicalSource
from sources.protocol import Place, SourceSecret
from sources.registry import open_source
from tests.sources.hostile import CANARY
from tests.sources.infisical.conftest import open_at
from vault import models as vault

APP = Place("dev", "/app")


def values(secrets: list[SourceSecret]) -> dict[str, str]:
    return {secret.key: secret.value.removeprefix(f"{CANARY}-") for secret in secrets}


def test_a_folder_is_read(source: InfisicalSource) -> None:
    found = source.read(APP)

    assert values(found) == {"A": "a", "B": "b"}
    assert {(secret.environment_slug, secret.path) for secret in found} == {("dev", "/app")}
    assert CANARY not in repr(found)


def test_an_own_secret_beats_an_import_and_the_last_import_wins(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    infisical.world.put(shop, "dev", "/common", A="imported", SHARED="1", ONE="1")
    infisical.world.put(shop, "prod", "/", SHARED="2", TWO="2")
    shop.environments["dev"].folders["/app"].imports += [("dev", "/common"), ("prod", "/")]

    found = source.read(APP)

    assert values(found) == {"A": "a", "B": "b", "SHARED": "2", "ONE": "1", "TWO": "2"}
    assert next((each.environment_slug, each.path) for each in found if each.key == "SHARED") == ("prod", "/")
    assert source.list_keys(APP) == ["A", "B", "ONE", "SHARED", "TWO"]


def test_references_are_expanded_by_the_server(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    infisical.world.put(shop, "prod", "/db", HOST="db.example")
    infisical.world.put(shop, "dev", "/app", A="at ${prod.db.HOST} with ${B}", B="b")

    assert values(source.read(APP))["A"] == "at db.example with b"


@pytest.mark.parametrize("value", ["${NOPE}", "a-${dev.nope.KEY}-b", "${A}", "${ NOPE }", "${@other.dev.KEY}"])
def test_a_reference_that_leads_nowhere_is_an_error(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project, value: str
) -> None:
    infisical.world.put(shop, "dev", "/app", A=value)

    with pytest.raises(Untrustworthy, match="the value of A in dev:/app still holds a reference") as caught:
        source.read(APP)

    assert value not in str(caught.value)
    assert "give the secret the tag devinsync-literal" in str(caught.value)


@pytest.mark.parametrize("value", ["cost $$ ${}", "$A", "{A}", "${A:-b}", "${{ github.token }}", "$" + "{a b}"])
def test_what_no_server_takes_for_a_reference_is_text(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project, value: str
) -> None:
    infisical.world.put(shop, "dev", "/app", A=value)

    assert values(source.read(APP))["A"] == value


def test_a_tag_says_that_a_text_is_meant(source: InfisicalSource, shop: Project) -> None:
    folder = shop.environments["dev"].folders["/app"]
    folder.secrets.append(Secret("SHELL", "echo ${HOME}", tags=("devinsync-literal",)))

    assert values(source.read(APP))["SHELL"] == "echo ${HOME}"


def test_tags_are_told_to_whoever_asks_for_them(source: InfisicalSource, shop: Project) -> None:
    shop.environments["dev"].folders["/app"].secrets[0].tags = ("devin", "other")

    expected = {"A": {"devin", "other"}, "B": frozenset()}
    assert {each.key: each.tags for each in source.read_tagged(APP)} == expected == source.list_tags(APP)
    assert not any(each.tags for each in source.read(APP))


@pytest.mark.parametrize("edition", [Edition.NEW], indirect=True)
def test_an_imported_secret_has_the_tags_of_its_own_folder(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    infisical.world.put(shop, "dev", "/common", C="c")
    shop.environments["dev"].folders["/common"].secrets[0].tags = ("devin",)
    shop.environments["dev"].folders["/app"].imports.append(("dev", "/common"))

    assert source.list_tags(APP)["C"] == {"devin"}


@pytest.mark.parametrize("edition", [Edition.OLD], indirect=True)
@pytest.mark.parametrize("ask", [InfisicalSource.read_tagged, InfisicalSource.list_tags])
def test_a_server_that_leaves_tags_out_is_not_taken_to_have_none(
    source: InfisicalSource,
    infisical: InfisicalSandbox,
    shop: Project,
    ask: Callable[[InfisicalSource, Place], object],
) -> None:
    infisical.world.put(shop, "dev", "/common", C="c")
    shop.environments["dev"].folders["/app"].imports.append(("dev", "/common"))

    with pytest.raises(Untrustworthy, match="it does not tell the tags of C, which comes from dev:/common"):
        ask(source, APP)
    assert [each.key for each in source.read(APP)] == ["A", "B", "C"]


def test_personal_secrets_are_nobodys_business(source: InfisicalSource, shop: Project) -> None:
    folder = shop.environments["dev"].folders["/app"]
    folder.secrets += [Secret("A", "mine", kind="personal"), Secret("MINE", "mine", kind="personal")]

    assert values(source.read(APP)) == {"A": "a", "B": "b"}


@pytest.mark.parametrize("edition", [Edition.NEW], indirect=True)
def test_a_hidden_value_is_an_error(source: InfisicalSource, shop: Project) -> None:
    shop.environments["dev"].folders["/app"].secrets[0].is_hidden = True

    with pytest.raises(Untrustworthy, match=r"the value of A is hidden .* Give its role the right to read values"):
        source.read(APP)
    assert source.list_keys(APP) == ["A", "B"]


def test_subfolders_are_read_with_it(source: InfisicalSource, infisical: InfisicalSandbox, shop: Project) -> None:
    infisical.world.put(shop, "dev", "/app/deep/er", C="c")
    infisical.world.put(shop, "dev", "/application", D="d")

    found = source.read(APP, recursive=True)

    assert [(secret.key, secret.path) for secret in found] == [("A", "/app"), ("B", "/app"), ("C", "/app/deep/er")]


def test_a_key_in_two_folders_is_an_error(source: InfisicalSource, infisical: InfisicalSandbox, shop: Project) -> None:
    infisical.world.put(shop, "dev", "/app/deep", A="2")

    with pytest.raises(Untrustworthy, match="the key A stands in /app and in /app/deep"):
        source.read(APP, recursive=True)


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (Place("dev", "/nope"), "there is no folder nope in /|404"),
        (Place("dev", "/app/nope"), "there is no folder nope in /app|404"),
        (Place("dev", "/nope/app"), "there is no folder nope in /|404"),
        (Place("nope", "/app"), "there is none. The project has: dev, staging, prod.|404"),
        (Place("nope", "/"), "there is none. The project has: dev, staging, prod.|404"),
    ],
)
@pytest.mark.parametrize("recursive", [False, True])
def test_a_missing_place_is_no_empty_one(source: InfisicalSource, place: Place, says: str, recursive: bool) -> None:
    """An old server answers 200 with nothing."""
    with pytest.raises(PlaceMissing, match=says):
        source.read(place, recursive=recursive)
    with pytest.raises(PlaceMissing, match=says):
        source.list_keys(place, recursive=recursive)


@pytest.mark.parametrize("place", [Place("dev", "/"), Place("prod", "/"), Place("dev", "/empty/er")])
def test_an_empty_place_is_empty(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project, place: Place
) -> None:
    infisical.world.add_folder(shop, "dev", "/empty/er")

    assert source.read(place) == []


def test_an_import_that_may_not_be_read_is_an_error(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    """The server leaves it out without a word."""
    infisical.world.put(shop, "dev", "/closed", C="c")
    shop.environments["dev"].folders["/app"].imports.append(("dev", "/closed"))
    shop.closed.add(("dev", "/closed"))

    with pytest.raises(Refused, match="Could not read dev:/closed in Infisical: Infisical answered 403"):
        source.read(APP)


def test_an_import_of_a_folder_that_is_gone_is_an_error(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    shop.environments["dev"].folders["/app"].imports.append(("dev", "/gone"))

    with pytest.raises(PlaceMissing, match="dev:/gone"):
        source.read(APP)


def test_it_lists_environments_and_folders(source: InfisicalSource, infisical: InfisicalSandbox, shop: Project) -> None:
    made = infisical.world.add_folder(shop, "dev", "/app/deep")

    assert [entry.slug for entry in source.list_environments()] == ["dev", "staging", "prod"]
    assert [entry.slug for entry in source.list_environments(search="PRO")] == ["prod"]
    assert [entry.path for entry in source.list_folders("dev")] == ["/", "/app", "/app/deep"]
    assert [entry.id for entry in source.list_folders("dev", search="DEEP")] == [made.id]
    with pytest.raises(PlaceMissing):
        source.list_folders("nope")


def test_a_version_moves_with_what_a_read_answers(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    infisical.world.put(shop, "dev", "/common", C="${prod.HOST}")
    infisical.world.put(shop, "prod", "/", HOST="1")
    shop.environments["dev"].folders["/app"].imports.append(("dev", "/common"))
    first = source.version(APP)

    assert source.version(APP) == first
    infisical.world.put(shop, "prod", "/", HOST="2")
    assert source.version(APP) not in (first, None)
    assert CANARY not in str(first)


def test_comments_come_with_the_secrets_and_move_the_version(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    infisical.world.put(shop, "dev", "/common", C="1")
    app, common = (shop.environments["dev"].folders[path] for path in ("/app", "/common"))
    app.imports.append(("dev", "/common"))
    app.secrets[0].comment, common.secrets[0].comment = "own", "imported"
    first = source.version(APP)

    assert {secret.key: secret.comment for secret in source.read(APP)} == {"A": "own", "B": "", "C": "imported"}
    common.secrets[0].comment = "another"
    assert source.version(APP) not in (first, None)


def test_of_what_cannot_be_read_there_is_no_version(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    shop.environments["dev"].folders["/app"].secrets.append(Secret("A", "twice"))

    assert source.version(APP) is None


def test_it_links_to_the_page_there(source: InfisicalSource, infisical: InfisicalSandbox, shop: Project) -> None:
    link = source.link(Place("dev", "/a b"))

    assert link == f"{infisical.url}/projects/secret-management/{shop.id}/secrets/dev?secretPath=%2Fa+b"


@pytest.mark.parametrize("edition", [Edition.OLD], indirect=True)
def test_an_old_server_is_asked_by_its_own_route(source: InfisicalSource, infisical: InfisicalSandbox) -> None:
    source.read(APP)
    source.read(APP)

    paths = [seen.path for seen in infisical.world.seen if "/secrets" in seen.path]
    assert paths == ["/api/v4/secrets", "/api/v3/secrets/raw", "/api/v3/secrets/raw"]


# The project


def test_a_project_is_found_by_id_and_by_slug(
    connection_to_it: Connection, shop: Project, infisical: InfisicalSandbox
) -> None:
    for text in (shop.id, shop.slug):
        found = find_project(connection_to_it, text, None)
        assert (found.id, found.slug, found.name) == (shop.id, "shop", "The shop")


@pytest.mark.parametrize("text", ["nope", "../x", "", "00000000-0000-0000-0000-000000000000", ".."])
def test_a_project_that_is_not_there_is_said_to_be(
    connection_to_it: Connection, infisical: InfisicalSandbox, text: str
) -> None:
    with pytest.raises(PlaceMissing, match="Could not look up the project"):
        find_project(connection_to_it, text, None)


def test_a_project_of_others_is_refused(connection_to_it: Connection, shop: Project) -> None:
    shop.members.clear()

    with pytest.raises(Refused, match="Give the machine identity of connection “team-vault” a role in this project"):
        find_project(connection_to_it, shop.id, None)


def test_projects_are_listed_where_a_server_can(connection_to_it: Connection, shop: Project, edition: Edition) -> None:
    listed = [project.slug for project in list_projects(connection_to_it, None)]

    assert listed == (["shop"] if edition is Edition.NEW else [])


def test_a_linked_project_keeps_infisicals_id(linked: vault.Project, shop: Project) -> None:
    assert (str(linked.pk), linked.source) == (shop.id, "infisical")
    with open_source(linked) as source:
        assert values(list(source.read(APP))) == {"A": "a", "B": "b"}


def test_no_answer_is_no_empty_folder(shop: Project, infisical: InfisicalSandbox) -> None:
    url = infisical.url
    infisical.stop()

    with open_at(url, shop.id) as source, pytest.raises(Unavailable, match="Check the address of connection"):
        source.read(APP)


@pytest.mark.parametrize("tags", [None, "devin", {}, ["devin"], [{"slug": 1}], [{"slug": "devin"}, {"name": "x"}]])
def test_tags_that_are_no_list_of_tags_are_none_that_count(tags: object) -> None:
    """An error for whoever chooses by them, and for nobody else."""
    item = {"secretKey": "A", "secretValue": "a", "type": "shared", "environment": "dev", "workspace": "p"}
    row = next(Reading("p", values=True).own([item | {"tags": tags}], Place("dev"), recursive=False))

    assert as_secrets([row])[0].tags == frozenset()
    with pytest.raises(Unbelievable, match="it does not tell the tags of A"):
        as_secrets([row], tags=True)
