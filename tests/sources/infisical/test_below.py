"""Subfolders: what a recursive answer leaves out of them without a word, and what they show together."""

from collections.abc import Callable

import pytest

from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Edition, Fault, Project, Secret
from sandbox.wire import Stream
from sources.errors import PlaceMissing, Refused, Unavailable, Untrustworthy
from sources.infisical.source import InfisicalSource
from sources.protocol import Place
from tests.sources.hostile import CANARY
from tests.sources.infisical.hostile import says
from tests.sources.infisical.test_source import values

APP = Place("dev", "/app")
DEEP = ("dev", "/app/deep")


@pytest.fixture
def shop(shop: Project, infisical: InfisicalSandbox) -> Project:
    """`/app` has A and B, `/app/deep` has C, `/app/deep/er` has nothing; `/common` has SHARED."""
    infisical.world.put(shop, "dev", "/app/deep", C=f"{CANARY}-c")
    infisical.world.add_folder(shop, "dev", "/app/deep/er")
    infisical.world.put(shop, "dev", "/common", SHARED=f"{CANARY}-s")
    return shop


def imports(shop: Project, path: str, *places: tuple[str, str]) -> None:
    shop.environments["dev"].folders[path].imports += places


def asked(infisical: InfisicalSandbox) -> dict[str, int]:
    """Requests by what they are for, those to routes that this version lacks left out."""
    seen = [seen.path.rpartition("/")[2] for seen in infisical.world.seen if seen.status != 404]
    return {name: seen.count(name) for name in sorted({*seen})}


@pytest.mark.parametrize("path", ["/app", "/app/deep", "/app/deep/er"])
def test_imports_of_every_folder_are_taken(source: InfisicalSource, shop: Project, path: str) -> None:
    imports(shop, path, ("dev", "/common"))

    found = source.read(APP, recursive=True)

    assert values(found) == {"A": "a", "B": "b", "C": "c", "SHARED": "s"}
    assert source.list_keys(APP, recursive=True) == ["A", "B", "C", "SHARED"]


def test_one_that_several_folders_import_is_one(source: InfisicalSource, shop: Project) -> None:
    for path in ("/app", "/app/deep", "/app/deep/er"):
        imports(shop, path, ("dev", "/common"))

    assert values(source.read(APP, recursive=True))["SHARED"] == "s"


def test_in_each_folder_own_secrets_win_and_of_its_imports_the_last(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    infisical.world.put(shop, "prod", "/", SHARED=f"{CANARY}-p", C=f"{CANARY}-imported")
    imports(shop, "/app/deep", ("dev", "/common"), ("prod", "/"))

    assert values(source.read(APP, recursive=True)) == {"A": "a", "B": "b", "C": "c", "SHARED": "p"}


def test_a_key_that_two_folders_import_from_two_places_is_an_error(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    infisical.world.put(shop, "prod", "/", SHARED="p")
    imports(shop, "/app", ("dev", "/common"))
    imports(shop, "/app/deep", ("prod", "/"))

    with pytest.raises(Untrustworthy, match="the key SHARED stands in dev:/common and in prod:/"):
        source.read(APP, recursive=True)


def test_a_key_that_one_folder_has_and_another_imports_is_an_error(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    infisical.world.put(shop, "dev", "/common", A="another")
    imports(shop, "/app/deep", ("dev", "/common"))

    with pytest.raises(Untrustworthy, match="the key A stands in /app and in /common"):
        source.read(APP, recursive=True)


@pytest.mark.parametrize("path", ["/app", "/app/deep", "/app/deep/er"])
@pytest.mark.parametrize("ask", [InfisicalSource.read, InfisicalSource.list_keys])
def test_an_import_that_may_not_be_read_is_an_error_in_every_folder(
    source: InfisicalSource, shop: Project, path: str, ask: Callable[..., object]
) -> None:
    imports(shop, path, ("dev", "/common"))
    shop.closed.add(("dev", "/common"))

    with pytest.raises(
        Refused, match=f"Could not read dev:/common in Infisical: Infisical answered 403.* dev:{path} imports it"
    ):
        ask(source, APP, recursive=True)


@pytest.mark.parametrize("path", ["/app", "/app/deep", "/app/deep/er"])
@pytest.mark.parametrize("place", [("dev", "/gone"), ("nope", "/")])
def test_an_import_of_what_is_gone_is_an_error_in_every_folder(
    source: InfisicalSource, shop: Project, path: str, place: tuple[str, str]
) -> None:
    imports(shop, path, place)

    with pytest.raises(PlaceMissing, match=f"{place[0]}.* dev:{path} imports it"):
        source.read(APP, recursive=True)


def test_imports_in_a_circle_end(source: InfisicalSource, infisical: InfisicalSandbox, shop: Project) -> None:
    """They go one level deep, so that a folder at most imports its own secrets."""
    imports(shop, "/app", DEEP, ("dev", "/app"))
    imports(shop, "/app/deep", ("dev", "/app"))

    assert values(source.read(APP, recursive=True)) == {"A": "a", "B": "b", "C": "c"}


@pytest.mark.parametrize("path", ["/app/deep", "/app/deep/er"])
@pytest.mark.parametrize("ask", [InfisicalSource.read, InfisicalSource.list_keys])
def test_a_folder_that_may_not_be_read_is_an_error(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project, path: str, ask: Callable[..., object]
) -> None:
    infisical.world.put(shop, "dev", path, MORE="m")
    shop.closed.add(("dev", path))

    with pytest.raises(Refused, match=f"Could not read dev:{path} in Infisical: Infisical answered 403") as caught:
        ask(source, APP, recursive=True)

    assert "Give the machine identity" in str(caught.value)


@pytest.mark.parametrize("edition", [Edition.NEW], indirect=True)
def test_a_hidden_value_below_is_an_error(source: InfisicalSource, shop: Project) -> None:
    shop.environments["dev"].folders["/app/deep"].secrets[0].is_hidden = True

    with pytest.raises(Untrustworthy, match="the value of C is hidden"):
        source.read(APP, recursive=True)


@pytest.mark.parametrize("value", ["${NOPE}", "${C}"])
def test_a_reference_below_that_leads_nowhere_is_an_error(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project, value: str
) -> None:
    infisical.world.put(shop, "dev", "/app/deep", C=value)

    with pytest.raises(Untrustworthy, match="the value of C in dev:/app/deep still holds a reference"):
        source.read(APP, recursive=True)


def test_a_key_twice_below_is_an_error(source: InfisicalSource, shop: Project) -> None:
    shop.environments["dev"].folders["/app/deep"].secrets.append(Secret("C", "twice"))

    with pytest.raises(Untrustworthy, match="the key C comes twice from dev:/app/deep"):
        source.read(APP, recursive=True)


# What changes while it is read


@pytest.mark.parametrize("edition", [Edition.NEW], indirect=True)
def test_a_folder_that_is_gone_from_the_list_is_read_again(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    infisical.world.faults.append(Fault("/api/v2/folders", says({"folders": []}), 2))

    with pytest.raises(Unavailable, match="its folders changed while it was read") as caught:
        source.read(APP, recursive=True)

    assert caught.value.retryable


@pytest.mark.parametrize("name", ["imports of dev:/app/deep", "secrets of dev:/app/deep/er"])
@pytest.mark.parametrize("edition", [Edition.NEW], indirect=True)
def test_a_folder_that_goes_after_it_was_listed_is_read_again(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project, name: str
) -> None:
    """The list still has it; nothing else does."""
    path = name.rpartition(":")[2]
    rows = [{"id": "1", "name": each.rpartition("/")[2], "relativePath": each} for each in ("deep", "deep/er")]
    infisical.world.faults.append(Fault("/api/v2/folders", says({"folders": rows})))
    if "imports" in name:
        infisical.world.faults += [
            Fault("/api/v2/secret-imports", right, 1),
            Fault("/api/v2/secret-imports", says({"statusCode": 404, "message": "x", "error": "NotFound"}, 404)),
        ]
    else:
        shop.environments["dev"].folders.pop(path)

    with pytest.raises(Unavailable, match="its folders changed while it was read"):
        source.read(APP, recursive=True)


def right(stream: Stream) -> None:
    says({"secretImports": []})(stream)


@pytest.mark.parametrize("edition", [Edition.NEW], indirect=True)
def test_a_folder_whose_secrets_are_left_out_is_read_again(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    answer: dict[str, object] = {"secrets": [], "imports": []}
    infisical.world.faults.append(Fault("/api/v4/secrets", says(answer)))

    with pytest.raises(Unavailable, match="/app/deep has secrets, and the answer leaves them out"):
        source.read(APP, recursive=True)


@pytest.mark.parametrize("edition", [Edition.NEW], indirect=True)
def test_an_import_that_comes_twice_and_not_alike_is_an_error(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    block = {"environment": "dev", "secretPath": "/common", "secrets": []}
    row = {"secretKey": "SHARED", "secretValue": "s", "type": "shared", "environment": "dev", "workspace": shop.id}
    answer = {"secrets": [], "imports": [block, block | {"secrets": [row]}]}
    infisical.world.faults.append(Fault("/api/v4/secrets", says(answer)))
    shop.environments["dev"].folders["/app/deep"].secrets.clear()

    with pytest.raises(Untrustworthy, match="the import of dev:/common comes twice, and not with the same secrets"):
        source.read(APP, recursive=True)


def test_a_server_that_makes_folders_up_comes_to_an_end(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    rows = [{"id": f"{number}", "name": f"f{number}", "relativePath": f"f{number}"} for number in range(2_001)]
    for route in ("/api/v2/folders", "/api/v1/folders"):
        infisical.world.faults.append(Fault(route, says({"folders": rows})))

    with pytest.raises(Untrustworthy, match="more than 2,000 folders"):
        source.read(APP, recursive=True)


# What it costs


def test_what_a_read_with_subfolders_costs(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project, edition: Edition
) -> None:
    """The list, the folders, the imports of each folder, and each folder that seems to be empty."""
    source.read(APP, recursive=True)

    if edition is Edition.NEW:
        assert asked(infisical) == {"folders": 1, "secret-imports": 3, "secrets": 1 + 1}
    else:
        assert asked(infisical) == {"folders": 1 + 3, "raw": 1 + 1, "secret-imports": 3}


def test_a_version_of_subfolders_costs_no_more_than_one_of_a_folder(
    source: InfisicalSource, infisical: InfisicalSandbox, shop: Project
) -> None:
    first = source.version(APP, recursive=True)
    costs = asked(infisical)
    infisical.world.seen.clear()

    shop.closed.add(DEEP)

    assert source.version(APP, recursive=True) not in (first, None), "a run will say that it may not be read"
    assert sum(asked(infisical).values()) == sum(costs.values()) == 2
