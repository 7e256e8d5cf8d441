"""Reading a real OpenBao: what is a folder, what is an environment, and what is an error instead of a smaller set."""

from typing import Any

import pytest

from sources.errors import PlaceMissing, Refused, SourceError, Unavailable, Untrustworthy
from sources.protocol import Place
from tests.connections.servers import reply
from tests.openbao import OpenBao
from tests.sources.openbao.conftest import Open
from tests.sources.openbao.servers import between, rights_on

VERSIONS = pytest.mark.parametrize("version", [1, 2])


def values(secrets: Any) -> dict[str, str]:
    return {secret.key: secret.value for secret in secrets}


# What is a folder


@VERSIONS
def test_the_keys_of_a_secret_are_one_folder(openbao: OpenBao, opened: Open, version: int) -> None:
    mount = openbao.mount(version)
    openbao.put(mount, "shop/web", {"DB_URL": "postgres://é", "EMPTY": ""}, version=version)

    secrets = opened().read(Place(mount, "/shop/web"))

    assert values(secrets) == {"DB_URL": "postgres://é", "EMPTY": ""}
    assert {(secret.environment_slug, secret.path) for secret in secrets} == {(mount, "/shop/web")}


@VERSIONS
def test_a_path_may_be_both_a_secret_and_a_folder(openbao: OpenBao, opened: Open, version: int) -> None:
    mount = openbao.mount(version)
    openbao.put(mount, "shop", {"OWN": "1"}, version=version)
    openbao.put(mount, "shop/web/deep", {"DEEP": "2"}, version=version)
    source = opened()

    assert values(source.read(Place(mount, "/shop"))) == {"OWN": "1"}
    assert values(source.read(Place(mount, "/shop"), recursive=True)) == {"OWN": "1", "DEEP": "2"}
    assert {secret.path for secret in source.read(Place(mount), recursive=True)} == {"/shop", "/shop/web/deep"}
    assert [entry.path for entry in source.list_folders(mount)] == ["/", "/shop", "/shop/web", "/shop/web/deep"]
    assert source.list_keys(Place(mount, "/shop"), recursive=True) == ["DEEP", "OWN"]


def test_names_with_signs_are_read_as_they_are(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount()
    for number, name in enumerate(["a b", "50%25", "é", "q?x=1", "h#1", "plus+"]):
        openbao.call(
            "POST",
            f"{mount}/data/{name.replace('%', '%25').replace('?', '%3F').replace('#', '%23')}",
            {"data": {f"KEY_{number}": name}},
        )

    source = opened()

    assert len(values(source.read(Place(mount), recursive=True))) == 6
    assert values(source.read(Place(mount, "/q?x=1"))) == {"KEY_3": "q?x=1"}


def test_values_that_are_no_text_are_given_as_json(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount(1)
    kept = {"N": 7, "BIG": 12345678901234567890, "YES": True, "LIST": [1, "é", None], "MAP": {"a": {"b": []}}}
    openbao.put(mount, "mixed", kept, version=1)
    openbao.call("POST", f"{mount}/exact", {"PRICE": 1.5})

    source = opened()

    assert values(source.read(Place(mount, "/mixed"))) == {
        "N": "7",
        "BIG": "12345678901234567890",
        "YES": "true",
        "LIST": '[1,"é",null]',
        "MAP": '{"a":{"b":[]}}',
    }
    assert values(source.read(Place(mount, "/exact"))) == {"PRICE": "1.5"}


def test_null_is_no_value(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount()
    openbao.put(mount, "shop", {"FINE": "1", "NOTHING": None})

    with pytest.raises(Untrustworthy, match="`NOTHING` is null"):
        opened().read(Place(mount, "/shop"))


def test_reads_two_thousand_keys(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount()
    kept = {f"KEY_{number:04}": f"value {number}" for number in range(2000)}
    openbao.put(mount, "all/at/once", kept)
    client = (source := opened())._client

    assert values(source.read(Place(mount, "/all/at/once"))) == kept
    assert client.requests_sent == 2


def test_reads_two_hundred_paths(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount()
    for number in range(200):
        openbao.put(mount, f"team/app-{number}", {f"KEY_{number}_{part}": "x" for part in range(10)})

    assert len(opened().read(Place(mount, "/team"), recursive=True)) == 2000


@VERSIONS
def test_the_same_key_in_two_folders_is_an_error(openbao: OpenBao, opened: Open, version: int) -> None:
    mount = openbao.mount(version)
    openbao.put(mount, "shop", {"SAME": "1"}, version=version)
    openbao.put(mount, "shop/web", {"SAME": "2"}, version=version)

    with pytest.raises(Untrustworthy, match="`SAME` is both in /shop and in /shop/web"):
        opened().read(Place(mount, "/shop"), recursive=True)


# What is an environment


def test_each_mount_is_an_environment(openbao: OpenBao, opened: Open) -> None:
    first, second = openbao.mount(1), openbao.mount(name=f"teams/{openbao.mount()}")
    token = openbao.token(openbao.policy(rights_on(first, {"*": ["read"]}) | rights_on(second)))

    source = opened(token)

    assert [entry.slug for entry in source.list_environments()] == sorted([first, second])
    assert [entry.slug for entry in source.list_environments(search=second.upper())] == [second]
    assert [entry.path for entry in source.list_folders(second)] == ["/"]


@VERSIONS
def test_a_folder_at_the_top_of_one_mount_is_an_environment(openbao: OpenBao, opened: Open, version: int) -> None:
    mount = openbao.mount(version)
    openbao.put(mount, "prod/shop", {"A": "prod"}, version=version)
    openbao.put(mount, "dev", {"OWN": "1"}, version=version)
    openbao.put(mount, "dev/shop", {"A": "dev"}, version=version)

    source = opened(mount=mount)

    assert [entry.slug for entry in source.list_environments()] == ["dev", "prod"]
    assert [entry.path for entry in source.list_folders("dev")] == ["/", "/shop"]
    assert values(source.read(Place("prod", "/shop"))) == {"A": "prod"}
    assert values(source.read(Place("dev"))) == {"OWN": "1"}
    assert values(source.read(Place("dev"), recursive=True)) == {"OWN": "1", "A": "dev"}


@pytest.mark.parametrize(
    "place",
    [
        Place("no-such-mount", "/shop"),
        Place("MOUNT", "/no/such/path"),
        Place("MOUNT", "/shop/web/deeper"),
        Place("MOUNT", "/.."),
        Place("..", "/shop"),
        Place("MOUNT", "/shop//web"),
        Place("", "/shop"),
        Place("MOUNT", "/shop/\n"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("recursive", [False, True])
def test_what_is_not_there_is_an_error(openbao: OpenBao, opened: Open, place: Place, recursive: bool) -> None:
    mount = openbao.mount()
    openbao.put(mount, "shop/web", {"A": "1"})
    place = Place(place.environment_slug.replace("MOUNT", mount), place.path)

    with pytest.raises(PlaceMissing if place.environment_slug != "no-such-mount" else SourceError):
        opened().read(place, recursive=recursive)


def test_a_folder_without_a_secret_of_its_own_is_read_with_its_subfolders_or_not_at_all(
    openbao: OpenBao, opened: Open
) -> None:
    mount = openbao.mount()
    openbao.put(mount, "shop/web", {"A": "1"})

    with pytest.raises(PlaceMissing, match="include subfolders"):
        opened().read(Place(mount, "/shop"))
    with pytest.raises(PlaceMissing, match="include subfolders"):
        opened().read(Place(mount))


def test_an_environment_that_is_not_there_has_no_folders(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount()
    openbao.put(mount, "prod/shop", {"A": "1"})

    with pytest.raises(PlaceMissing):
        opened(mount=mount).list_folders("staging")
    with pytest.raises(PlaceMissing):
        opened(mount=mount).list_folders("prod/shop")
    with pytest.raises(SourceError):
        opened().list_folders("no-such-mount")


def test_another_engine_is_no_environment(openbao: OpenBao, opened: Open) -> None:
    with pytest.raises(PlaceMissing, match="no KV engine"):
        opened().read(Place("cubbyhole", "/shop"))


def test_an_empty_mount_has_its_root(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount()

    assert [entry.path for entry in opened().list_folders(mount)] == ["/"]
    assert opened(mount=mount).list_environments() == []
    with pytest.raises(PlaceMissing):
        opened().read(Place(mount), recursive=True)


# Never a smaller set


@pytest.mark.parametrize("what", ["deleted", "destroyed"])
@pytest.mark.parametrize(("place", "recursive"), [("/shop", False), ("/shop", True), ("/", True)])
def test_a_latest_version_that_cannot_be_read_is_an_error(
    openbao: OpenBao, opened: Open, what: str, place: str, recursive: bool
) -> None:
    mount = openbao.mount()
    openbao.put(mount, "other", {"B": "1"})
    for value in ("old", "new"):
        openbao.put(mount, "shop", {"A": value})
    openbao.put(mount, "shop/web", {"C": "1"})
    if what == "deleted":
        openbao.call("DELETE", f"{mount}/data/shop")
    else:
        openbao.call("PUT", f"{mount}/destroy/shop", {"versions": [2]})

    with pytest.raises(PlaceMissing, match=f"{mount}/shop: its latest version is {what}"):
        opened().read(Place(mount, place), recursive=recursive)
    assert opened().version(Place(mount, place), recursive=recursive) is None


@pytest.mark.parametrize("what", ["deleted", "destroyed"])
def test_a_latest_version_deep_down_that_cannot_be_read_is_an_error(openbao: OpenBao, opened: Open, what: str) -> None:
    mount = openbao.mount()
    openbao.put(mount, "shop", {"A": "1"})
    openbao.put(mount, "shop/a/b/c", {"C": "1"})
    if what == "deleted":
        openbao.call("DELETE", f"{mount}/data/shop/a/b/c")
    else:
        openbao.call("PUT", f"{mount}/destroy/shop/a/b/c", {"versions": [1]})

    with pytest.raises(PlaceMissing, match=f"{mount}/shop/a/b/c: its latest version is {what}"):
        opened().read(Place(mount, "/shop"), recursive=True)


def test_what_is_gone_with_its_metadata_is_no_error(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount()
    openbao.put(mount, "shop/web", {"A": "1"})
    openbao.put(mount, "shop/old", {"B": "1"})
    openbao.call("DELETE", f"{mount}/metadata/shop/old")

    assert values(opened().read(Place(mount, "/shop"), recursive=True)) == {"A": "1"}


@pytest.mark.parametrize(
    "hidden",
    [
        pytest.param({"data/shop/secret": ["deny"]}, id="the value of one secret"),
        pytest.param({"data/shop/deep/*": ["deny"]}, id="the values of a folder"),
        pytest.param({"metadata/shop/deep/": ["deny"]}, id="the list of a folder"),
        pytest.param({"data/shop": ["deny"]}, id="the folder's own secret"),
        pytest.param({"metadata/shop/": ["deny"]}, id="the list of the place"),
    ],
)
def test_a_path_that_the_policies_hide_is_an_error(
    openbao: OpenBao, opened: Open, hidden: dict[str, list[str]]
) -> None:
    mount = openbao.mount()
    for path in ("shop", "shop/secret", "shop/deep/web"):
        openbao.put(mount, path, {path.replace("/", "_"): "1"})
    source = opened(openbao.token(openbao.policy(rights_on(mount) | rights_on(mount, hidden))))

    with pytest.raises(Refused, match="policy that allows it"):
        source.read(Place(mount, "/shop"), recursive=True)


def test_a_folder_that_the_policies_hide_is_no_place_to_choose(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount()
    for path in ("shop/web", "private/keys"):
        openbao.put(mount, path, {"A": "1"})
    hidden = rights_on(mount, {"metadata/private/": ["deny"]})
    source = opened(openbao.token(openbao.policy(rights_on(mount) | hidden)))

    assert [entry.path for entry in source.list_folders(mount)] == ["/", "/private", "/shop", "/shop/web"]


def test_a_policy_for_one_folder_is_enough_to_read_it(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount()
    openbao.put(mount, "shop/web", {"A": "1"})
    openbao.put(mount, "other", {"B": "1"})
    rules = {
        "data/shop": ["read"],
        "data/shop/*": ["read"],
        "metadata/shop": ["read", "list"],
        "metadata/shop/*": ["read", "list"],
    }
    source = opened(openbao.token(openbao.policy(rights_on(mount, rules))))

    assert values(source.read(Place(mount, "/shop"), recursive=True)) == {"A": "1"}
    assert source.version(Place(mount, "/shop"), recursive=True)
    with pytest.raises(Refused):
        source.read(Place(mount, "/other"))


def test_a_policy_for_one_secret_alone_is_enough_to_read_it(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount()
    openbao.put(mount, "shop", {"A": "1"})
    source = opened(openbao.token(openbao.policy(rights_on(mount, {"data/shop": ["read"]}))))

    assert values(source.read(Place(mount, "/shop"))) == {"A": "1"}
    assert source.version(Place(mount, "/shop")) is None


def without_mounts(path: str, number: int) -> bytes | None:
    """As servers do that tell of mounts only to those who administer them."""
    return reply(403, {"errors": ["permission denied"]}) if "/internal/" in path else None


@VERSIONS
def test_the_version_of_kv_is_as_entered_where_the_server_does_not_tell(
    openbao: OpenBao, opened: Open, version: int
) -> None:
    mount, place = openbao.mount(version), "/shop"
    openbao.put(mount, "shop", {"A": "1"}, version=version)

    with between(openbao, without_mounts) as url:
        assert values(opened(url=url, version=version).read(Place(mount, place))) == {"A": "1"}
        with pytest.raises(Refused):
            opened(url=url).read(Place(mount, place))
        for recursive in (False, True):
            with pytest.raises(SourceError):
                opened(url=url, version=3 - version).read(Place(mount, place), recursive=recursive)


# Changes


def test_a_version_stands_for_what_a_read_answers(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount()
    place = Place(mount, "/shop")
    openbao.put(mount, "shop", {"A": "1"})
    openbao.put(mount, "shop/web", {"B": "1"})
    source = opened()
    told = [(source.version(place), source.version(place, recursive=True))]

    def note() -> tuple[str | None, str | None]:
        told.append((source.version(place), source.version(place, recursive=True)))
        return told[-1]

    assert note() == told[0]
    openbao.put(mount, "shop/web", {"B": "2"})
    assert (note()[0], told[-1][1] != told[-2][1]) == (told[0][0], True)
    openbao.put(mount, "shop", {"A": "1"})
    assert (note()[0] != told[-2][0], told[-1][1] != told[-2][1]) == (True, True)
    openbao.put(mount, "shop/new", {"C": "1"})
    assert (note()[0], told[-1][1] != told[-2][1]) == (told[-2][0], True)
    openbao.call("DELETE", f"{mount}/metadata/shop/new")
    assert note()[1] == told[-3][1]
    assert None not in {stamp for both in told for stamp in both}


def test_a_secret_with_a_date_to_be_deleted_at_has_no_version(openbao: OpenBao, opened: Open) -> None:
    """It goes without a trace in its metadata."""
    mount = openbao.mount()
    openbao.call("POST", f"{mount}/metadata/shop", {"delete_version_after": "3h"})
    openbao.put(mount, "shop", {"A": "1"})
    source = opened()

    assert values(source.read(Place(mount, "/shop"))) == {"A": "1"}
    assert source.version(Place(mount, "/shop")) is None


def test_kv_1_has_no_version(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount(1)
    openbao.put(mount, "shop", {"A": "1"}, version=1)

    assert opened().version(Place(mount, "/shop")) is None


# Seals and tokens


def test_a_sealed_server_is_an_error_that_may_pass(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount()
    openbao.put(mount, "shop", {"A": "1"})
    source = opened()
    source.list_folders(mount)

    openbao.seal()

    for ask in (source.read, source.version, lambda place: source.list_folders(place.environment_slug)):
        with pytest.raises(Unavailable, match="sealed"):
            ask(Place(mount, "/shop"))
    with pytest.raises(Unavailable, match="sealed"):
        source.list_environments()


@pytest.mark.parametrize("recursive", [False, True])
def test_a_seal_in_the_middle_of_a_read_is_an_error(openbao: OpenBao, opened: Open, recursive: bool) -> None:
    mount = openbao.mount()
    for path in ("shop", "shop/a", "shop/b"):
        openbao.put(mount, path, {path.replace("/", "_"): "1"})
    asked = 1 if not recursive else 4

    def seal(path: str, number: int) -> None:
        if number == asked:
            openbao.seal()

    with between(openbao, seal) as url, pytest.raises(Unavailable, match="sealed"):
        opened(url=url).read(Place(mount, "/shop"), recursive=recursive)


@pytest.mark.parametrize(("revocations", "is_whole"), [([3], True), ([3, 9], False)], ids=["once", "twice"])
def test_a_token_that_is_revoked_in_the_middle_is_replaced_once(
    openbao: OpenBao, opened: Open, revocations: list[int], is_whole: bool
) -> None:
    mount = openbao.mount()
    for number in range(5):
        openbao.put(mount, f"shop/{number}", {f"KEY_{number}": "1"})
    policy = openbao.policy(rights_on(mount))
    tokens = [openbao.token(policy) for _ in range(3)]

    def revoke(path: str, number: int) -> None:
        if number in revocations:
            openbao.call("POST", "auth/token/revoke", {"token": tokens[revocations.index(number)]})

    with between(openbao, revoke) as url:
        source = opened(*tokens, url=url)
        if is_whole:
            assert len(source.read(Place(mount, "/shop"), recursive=True)) == 5
        else:
            with pytest.raises(Refused):
                source.read(Place(mount, "/shop"), recursive=True)


def test_a_token_that_nothing_can_replace_is_an_error(openbao: OpenBao, opened: Open) -> None:
    mount = openbao.mount()
    openbao.put(mount, "shop", {"A": "1"})
    token = openbao.token(openbao.policy(rights_on(mount)))
    openbao.call("POST", "auth/token/revoke", {"token": token})

    with pytest.raises(Refused, match="expired, was revoked or is used up"):
        opened(token).read(Place(mount, "/shop"))


def test_what_moves_while_it_is_read_is_read_again(openbao: OpenBao, opened: Open) -> None:
    """From a folder that was not listed yet to one that was: no list by itself would have shown it."""
    mount = openbao.mount()
    openbao.put(mount, "shop/a/moves", {"MOVES": "1"})
    openbao.put(mount, "shop/b/stays", {"STAYS": "1"})
    openbao.put(mount, "shop/a/other", {"OTHER": "1"})

    def move(path: str, number: int) -> None:
        if "list=true" in path and "/shop/a/" in path and number < 6:
            openbao.call("DELETE", f"{mount}/metadata/shop/a/moves")
            openbao.put(mount, "shop/b/moves", {"MOVES": "1"})

    with between(openbao, move) as url:
        with pytest.raises(Unavailable, match="changed while it was read"):
            opened(url=url).read(Place(mount, "/shop"), recursive=True)
        assert len(opened(url=url).read(Place(mount, "/shop"), recursive=True)) == 3


def test_a_namespace_has_mounts_and_policies_of_its_own(openbao: OpenBao, opened: Open) -> None:
    namespace = openbao.namespace()
    mount = openbao.mount(namespace=namespace)
    openbao.put(mount, "shop", {"A": "1"}, namespace=namespace)
    token = openbao.token(openbao.policy(rights_on(mount), namespace=namespace), namespace=namespace)

    assert values(opened(token, namespace=namespace).read(Place(mount, "/shop"))) == {"A": "1"}
    with pytest.raises(SourceError):
        opened(token).read(Place(mount, "/shop"))
    with pytest.raises(PlaceMissing, match="no such mount or namespace"):
        opened(namespace="no-such").read(Place(mount, "/shop"))


def test_links_to_the_list_that_a_place_stands_in(openbao: OpenBao, opened: Open) -> None:
    source = opened(namespace="team a")

    assert source.link(Place("kv", "/shop/web app")).endswith("/ui/vault/secrets/kv/list/shop/?namespace=team+a")
    assert opened(mount="kv").link(Place("prod")) == f"{openbao.url}/ui/vault/secrets/kv/list/"
