"""A scene for each kind of source that needs nothing but this process."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connections.models import Connection
from sandbox.infisical.server import InfisicalSandbox
from sources.errors import Refused, Unavailable, Untrustworthy
from sources.linking import link_project
from sources.protocol import Place, SourceSecret
from tests.actors import ANYBODY
from tests.api.conftest import editor
from tests.openbao import OpenBao
from tests.sources.hostile import CANARY, Scene
from tests.sources.infisical.scene import connection_to, scene_of
from tests.sources.memory import PROJECT_ID, Shelf, shelf, shelf_connection
from tests.sources.openbao.scene import scene_on
from tests.syncs.conftest import connection, no_pause, organization, rung, sandbox
from vault.editing import create_folder, create_project, delete_environment, delete_folder, set_secret, set_secrets
from vault.models import Folder, Project, Secret

__all__ = ["connection", "editor", "no_pause", "organization", "rung", "sandbox", "shelf", "shelf_connection"]
VALUES = {"A": f"{CANARY}-a", "B": f"{CANARY}-b"}


@pytest.fixture
def shelf_project(shelf: Shelf, shelf_connection: Connection) -> Project:
    shelf.put("dev", "/", **VALUES)
    shelf.put("dev", "/app", C="3")
    shelf.put("prod", "/", A="prod")
    return link_project(shelf_connection, PROJECT_ID, by=ANYBODY)


@pytest.fixture
def project(db: None) -> Project:
    """One of the vault."""
    return create_project(name="Here", slug="here", by=ANYBODY)


@pytest.fixture
def rung_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The projects that the queue was told of."""
    told: list[str] = []

    def ring(project_id: object, whose: object = None) -> bool:
        told.append(str(project_id))
        return True

    monkeypatch.setattr("syncs.runs.polling.ring", ring)
    return told


@pytest.fixture
def vault_scene(db: None) -> Scene:
    project = create_project(name="Kept here", slug="kept-here", environments=[("Development", "dev")], by=ANYBODY)
    root = Folder.objects.select_related("environment__project").get(environment__project=project)
    folder = create_folder(root.environment, "/app", by=ANYBODY)
    set_secrets(folder, VALUES, by=ANYBODY)

    def spoil() -> None:
        Secret.objects.filter(key="A").update(sealed_value="cut")

    def refer_to_nothing() -> None:
        set_secret(folder, "A", "${NOPE}", by=ANYBODY)

    return Scene(
        project,
        Place("dev", "/app", str(folder.pk)),
        {
            "the folder is gone": lambda: delete_folder(folder, by=ANYBODY),
            "the environment is gone": lambda: delete_environment(root.environment, by=ANYBODY),
            "half an answer": spoil,
            "a reference that leads nowhere": refer_to_nothing,
        },
    )


@pytest.fixture
def memory_scene(shelf: Shelf, shelf_project: Project) -> Scene:
    def says(error: Any) -> Callable[[], None]:
        return lambda: setattr(shelf, "says", error)

    def answers(*secrets: tuple[Any, Any]) -> Callable[[], None]:
        rows = [SourceSecret(key, value, "dev", "/") for key, value in secrets]
        return lambda: setattr(shelf, "answers", rows)

    def drop_environment() -> None:
        for place in [place for place in shelf.folders if place.environment_slug == "dev"]:
            shelf.drop(place)

    return Scene(
        shelf_project,
        Place("dev", "/"),
        {
            "the folder is gone": lambda: shelf.drop(Place("dev", "/")),
            "the environment is gone": drop_environment,
            "we are refused": says(Refused("The shelf does not know this reader. Enter its key again.")),
            "no answer": says(Unavailable("The shelf did not answer. It is asked again.")),
            "half an answer": says(Untrustworthy("The shelf broke off. Look at it, then sync again.")),
            "not what was asked for": says(Untrustworthy("The shelf answered another folder. Ask its owner.")),
            "a reference that leads nowhere": says(Untrustworthy("A refers to ${NOPE}, which there is not. Mend it.")),
            "a key twice": answers(("A", f"{CANARY}-1"), ("A", f"{CANARY}-2")),
            "a value that is no text": answers(("A", 7), ("B", f"{CANARY}-b")),
            "a key that cannot be": answers(("", f"{CANARY}-1"), ("B", f"{CANARY}-b")),
        },
    )


@pytest.fixture
def openbao_scene(db: None, openbao: OpenBao) -> Iterator[Scene]:
    with scene_on(openbao, VALUES) as scene:
        yield scene


@pytest.fixture
def infisical_scene(db: None) -> Iterator[Scene]:
    with InfisicalSandbox() as server:
        connection = connection_to(server)
        shop = server.world.add_project("shop")
        server.world.put(shop, "dev", "/app", **VALUES)
        yield scene_of(server, shop, link_project(connection, shop.id, by=ANYBODY))
