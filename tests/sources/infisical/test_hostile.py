"""No answer of a server that has lost its mind, or of something in between, is taken for a smaller set of secrets."""

import copy
import json
import traceback
from typing import Any

import pytest

from sandbox.infisical import api
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Edition, Fault, Project
from sandbox.wire import Request, Stream
from sources.errors import SourceError
from sources.infisical.source import InfisicalSource
from sources.protocol import Place
from tests.patience import PATIENCE
from tests.sources.hostile import CANARY
from tests.sources.infisical.conftest import open_at
from tests.sources.infisical.hostile import ANSWERS, KEYS, SPOILED, Spoil
from tests.sources.infisical.scene import CLIENT_ID

APP = Place("dev", "/app")
SECRETS, IMPORTS, PROJECT, FOLDERS = (
    "/api/v4/secrets",
    "/api/v2/secret-imports",
    "/api/v1/workspace/",
    "/api/v2/folders",
)
MANY = 1000


@pytest.fixture
def edition() -> Edition:
    return Edition.NEW


@pytest.fixture
def shop(shop: Project, infisical: InfisicalSandbox) -> Project:
    infisical.world.put(shop, "dev", "/common", C=f"{CANARY}-c")
    shop.environments["dev"].folders["/app"].imports.append(("dev", "/common"))
    return shop


def opened(infisical: InfisicalSandbox, shop: Project, *, deadline: float = PATIENCE) -> InfisicalSource:
    token = infisical.world.new_token(infisical.world.identities[CLIENT_ID])
    return open_at(infisical.url, shop.id, token=token, deadline=deadline)


def assert_tells_what_to_do(error: SourceError) -> None:
    tried, _, advice = error.message.partition(": ")
    assert tried.startswith("Could not ")
    assert advice.endswith(".")
    assert advice.count(". ") >= 1
    assert CANARY not in "".join(traceback.format_exception(error)) + repr(error.__cause__)


def test_there_are_enough_of_them() -> None:
    assert len(ANSWERS) + len(SPOILED) + len(KEYS) > 100


def test_the_stand_in_is_read_when_it_is_well(infisical: InfisicalSandbox, shop: Project) -> None:
    with opened(infisical, shop) as source:
        assert [secret.key for secret in source.read(APP)] == ["A", "B", "C"]


@pytest.mark.parametrize("what", ANSWERS)
@pytest.mark.parametrize("recursive", [False, True])
def test_a_hostile_list_of_secrets_is_an_error(
    infisical: InfisicalSandbox, shop: Project, what: str, recursive: bool
) -> None:
    for path in (SECRETS, "/api/v3/secrets/raw"):
        infisical.world.faults.append(Fault(path, ANSWERS[what], MANY))

    with opened(infisical, shop, deadline=deadline_for(what)) as source, pytest.raises(SourceError) as caught:
        source.read(APP, recursive=recursive)

    assert_tells_what_to_do(caught.value)


@pytest.mark.parametrize("what", ANSWERS)
@pytest.mark.parametrize("path", [IMPORTS, PROJECT, FOLDERS])
def test_a_hostile_answer_beside_it_is_an_error(
    infisical: InfisicalSandbox, shop: Project, what: str, path: str
) -> None:
    """An empty folder makes the reader ask for everything."""
    shop.environments["dev"].folders["/app"].secrets.clear()
    shop.environments["dev"].folders["/app"].imports.clear()
    for name in (path, path.replace("/v2/", "/v1/")):
        infisical.world.faults.append(Fault(name, ANSWERS[what], MANY))
    if path == PROJECT:
        infisical.world.faults.append(Fault("/api/v1/projects", ANSWERS[what], MANY))

    with opened(infisical, shop, deadline=deadline_for(what)) as source, pytest.raises(SourceError) as caught:
        source.read(APP)

    assert_tells_what_to_do(caught.value)


@pytest.mark.parametrize("what", SPOILED)
def test_a_list_that_is_right_but_for_one_thing_is_an_error(
    infisical: InfisicalSandbox, shop: Project, what: str
) -> None:
    infisical.world.faults.append(Fault(SECRETS, spoiled(infisical, shop, SPOILED[what]), MANY))

    with opened(infisical, shop) as source, pytest.raises(SourceError) as caught:
        source.read(APP)

    assert_tells_what_to_do(caught.value)


def deadline_for(what: str) -> float:
    return 0.3 if what == "silence" else PATIENCE


def spoiled(infisical: InfisicalSandbox, shop: Project, spoil: Spoil) -> Any:
    query = f"projectId={shop.id}&environment=dev&secretPath=/app&includeImports=true"
    token = infisical.world.new_token(infisical.world.identities[CLIENT_ID])
    headers = {"authorization": f"Bearer {token}"}
    right = api.carry_out(infisical.world, Request("GET", SECRETS, query, headers, b"", 0))
    content = copy.deepcopy(right.content)
    spoil(content["secrets"], content["imports"])
    body = json.dumps(content).encode()

    def answer(stream: Stream) -> None:
        stream.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    return answer
