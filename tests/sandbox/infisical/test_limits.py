"""Limits, ETags and scripted faults: what stands before, beside and in place of the right answer."""

import http.client

import pytest

from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Fault, Project, World
from sandbox.wire import Answer, Stream
from tests.sandbox.caller import Caller, Reply
from tests.sandbox.infisical.asking import LOGIN, V3, V4, get, log_in, read


def told_by(reply: Reply) -> list[int]:
    return [int(reply.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset")]


def unavailable(stream: Stream) -> None:
    stream.answer(Answer(503, {"message": "not now"}))


def test_without_a_limit_none_is_told(reader: Caller, shop: Project) -> None:
    assert not [name for name in read(reader, shop).headers if "ratelimit" in name]


def test_a_limit_is_counted_down_and_begins_anew(reader: Caller, world: World, shop: Project) -> None:
    world.limits["secrets"] = 2

    assert told_by(read(reader, shop)) == [2, 1, 60]
    world.pass_time(20)
    assert told_by(read(reader, shop)) == [2, 0, 40]
    world.pass_time(40)
    assert told_by(read(reader, shop)) == [2, 1, 60]


@pytest.mark.parametrize(("wait", "words"), [(60, "1 minute"), (1, "1 second")])
def test_one_too_many_is_told_how_long_to_wait(
    reader: Caller, world: World, shop: Project, wait: int, words: str
) -> None:
    world.limits["secrets"] = 1
    read(reader, shop)
    world.pass_time(60 - wait)

    refused = read(reader, shop)

    assert (refused.status, refused.headers["retry-after"]) == (429, str(wait))
    assert refused.json["error"] == "RateLimitExceeded"
    assert refused.json["message"].endswith(f"in {words}")
    assert b"a-1" not in refused.body
    world.pass_time(wait)
    assert read(reader, shop).status == 200


@pytest.mark.parametrize("sort", ["secrets", "reads", "writes"])
def test_each_sort_of_request_has_a_limit_of_its_own(reader: Caller, world: World, shop: Project, sort: str) -> None:
    world.limits[sort] = 0

    statuses = {
        "secrets": {read(reader, shop).status, read(reader, shop, route=V3).status},
        "reads": {get(reader, "/api/v1/projects").status, get(reader, f"/api/v1/workspace/{shop.id}").status},
        "writes": {log_in(reader).status},
    }

    assert statuses == {each: {429 if each == sort else 200} for each in statuses}


def test_it_remembers_who_did_not_wait(reader: Caller, world: World, shop: Project) -> None:
    world.limits["secrets"] = 1
    for _ in range(3):
        read(reader, shop)
    get(reader, "/api/v1/projects")
    world.pass_time(60)
    read(reader, shop)

    assert [(each.status, each.inside_retry_after) for each in world.seen] == [
        (200, False),
        (429, False),
        (429, True),
        (200, False),
        (200, False),
    ]


def test_what_is_remembered_has_no_query_and_no_body(reader: Caller, world: World, shop: Project) -> None:
    read(reader, shop)
    log_in(reader)

    assert [(each.method, each.path) for each in world.seen] == [("GET", V4), ("POST", LOGIN)]
    assert shop.id not in str(world.seen)


# ETags


@pytest.mark.parametrize("change", ["value", "key", "import"])
def test_an_etag_holds_until_something_changes(reader: Caller, world: World, shop: Project, change: str) -> None:
    path = f"{V4}?projectId={shop.id}&environment=dev&secretPath=/app&includeImports=true"
    etag = reader.send("GET", path).headers["etag"]
    unchanged = reader.send("GET", path, If_None_Match=etag)
    assert (unchanged.status, unchanged.body, unchanged.headers["etag"]) == (304, b"", etag)

    if change == "import":
        shop.environments["dev"].folders["/app"].imports.append(("prod", "/"))
    else:
        world.put(shop, "dev", "/app", **{"A" if change == "value" else "NEW": "a-2"})

    changed = reader.send("GET", path, If_None_Match=etag)
    assert changed.status == 200
    assert changed.headers["etag"] != etag


def test_a_refusal_is_always_told_in_full(reader: Caller, shop: Project) -> None:
    path = f"{V4}?projectId={shop.id}&environment=nope"
    refused = reader.send("GET", path)

    again = reader.send("GET", path, If_None_Match=refused.headers["etag"])

    assert (again.status, again.body) == (404, refused.body)


def test_what_is_spared_counts_all_the_same(reader: Caller, world: World, shop: Project) -> None:
    world.limits["secrets"] = 2
    path = f"{V4}?projectId={shop.id}&environment=dev&secretPath=/app"
    etag = reader.send("GET", path).headers["etag"]

    assert told_by(reader.send("GET", path, If_None_Match=etag))[1] == 0
    assert reader.send("GET", path, If_None_Match=etag).status == 429


# Faults


def test_a_fault_happens_so_many_times_and_then_no_more(reader: Caller, world: World, shop: Project) -> None:
    world.faults.append(Fault(V4, unavailable, 2))

    assert [read(reader, shop).status for _ in range(4)] == [503, 503, 200, 200]
    assert [each.status for each in world.seen] == [0, 0, 200, 200]


def test_a_fault_meets_only_the_paths_that_begin_so(reader: Caller, world: World, shop: Project) -> None:
    world.faults.append(Fault("/api/v3/", unavailable))

    assert (read(reader, shop).status, log_in(reader).status) == (200, 200)
    assert read(reader, shop, route=V3).status == 503


def test_faults_come_one_after_another(reader: Caller, world: World, shop: Project) -> None:
    world.faults += [Fault("/api/", unavailable), Fault(V4, lambda stream: stream.answer(Answer(418, {})))]

    assert [read(reader, shop).status for _ in range(3)] == [503, 418, 200]


def test_a_fault_can_end_the_connection(reader: Caller, world: World, shop: Project) -> None:
    world.faults.append(Fault(V4, Stream.cut))

    with pytest.raises((ConnectionError, http.client.HTTPException)):
        read(reader, shop)
    reader.close()
    assert read(reader, shop).status == 200


def test_a_fault_costs_nothing_of_a_limit(reader: Caller, world: World, shop: Project) -> None:
    world.limits["secrets"] = 1
    world.faults.append(Fault(V4, unavailable, 3))

    assert [read(reader, shop).status for _ in range(5)] == [503, 503, 503, 200, 429]


def test_an_address_is_known_once_it_listens() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        assert InfisicalSandbox().url
