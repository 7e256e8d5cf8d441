"""Every part of every body, sent wrong: refused in the envelope, by its place, and never repeated."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from accounts.roles import ADMINISTRATOR
from tests.api.conftest import Caller, make_caller, make_user
from tests.api.document import operations

APPROVE = "syncs:approve-runs"
CANARY = "canary-7f3a"
UUID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
Place = tuple[str | int, ...]
# What stands where something else belongs. A longer text than any may be; what is no number, no text, no list.
WRONG: dict[str, Any] = {
    "a text without end": CANARY * 7_000,
    "an object": {"unknown": CANARY},
    "a list": [[CANARY]],
    "a number": -7.5e300,
    "signs": CANARY + " \u202e'\"<script>${x}{{y}}%s../",
}


def bodies() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for method, path, operation in operations():
        example = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        if isinstance(example, dict):
            yield method, path, example


BODIES = {f"{method} {path}": (method, path, body) for method, path, body in bodies()}


def places(part: Any, above: Place = ()) -> Iterator[Place]:
    """Where in a body something stands, deepest first."""
    for name, below in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        yield from places(below, (*above, name))
        yield (*above, name)


def replaced(body: dict[str, Any], place: Place, wrong: Any) -> dict[str, Any]:
    copy: Any = deepcopy(body)
    part = copy
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = wrong
    return dict(copy)


@pytest.fixture
def caller(administrator: Caller, route: str) -> Caller:
    """May use the route: approving has to be named by a token's scopes."""
    is_answer = route.endswith(("/approve", "/refuse"))
    return make_caller(make_user("approver", ADMINISTRATOR), scopes=[APPROVE]) if is_answer else administrator


@pytest.mark.parametrize("route", BODIES)
def test_no_part_sent_wrong_breaks_anything_or_comes_back(caller: Caller, route: str) -> None:
    method, path, body = BODIES[route]
    for name in ("{" + part.partition("}")[0] + "}" for part in path.split("{")[1:]):
        path = path.replace(name, UUID)

    for place in places(body):
        for what, wrong in WRONG.items():
            response = caller.send(method, path, replaced(body, place, wrong))
            answer = json.loads(response.content)
            assert response.status_code < 500, (place, what)
            if response.status_code == 422:
                assert set(answer) == {"reqId", "statusCode", "message", "error"}
                assert CANARY not in str(answer["message"]), (place, what)
            if response.status_code >= 400:
                assert len(response.content) < 10_000, (place, what)


@pytest.mark.parametrize("route", BODIES)
def test_a_wrong_type_is_told_at_its_place(caller: Caller, route: str) -> None:
    method, path, body = BODIES[route]

    for name in [name for name, value in body.items() if isinstance(value, str)]:
        answer = caller.ask(method, path.replace("{project_id}", UUID), body | {name: {"a": 1}}, status=422)
        assert [name] in [issue["path"] for issue in answer["message"]]
