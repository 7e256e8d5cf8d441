from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.actors import ANYBODY
from vault import editing
from vault.models import Environment, Folder, Project
from vault.signals import Aspect, contents_changed

ClientOf = Callable[[str], Client]


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", is_staff=True)


@pytest.fixture
def project(db: None) -> Project:
    return editing.create_project(
        name="Shop", environments=[("Development", "dev"), ("Production", "prod")], by=ANYBODY
    )


@pytest.fixture
def dev(project: Project) -> Environment:
    return project.environments.get(slug="dev")


@pytest.fixture
def prod(project: Project) -> Environment:
    return project.environments.get(slug="prod")


@pytest.fixture
def root(dev: Environment) -> Folder:
    return dev.folders.get(path="/")


@pytest.fixture
def app(dev: Environment) -> Folder:
    return editing.create_folder(dev, "/app", by=ANYBODY)


@pytest.fixture
def shared(dev: Environment) -> Folder:
    return editing.create_folder(dev, "/shared", by=ANYBODY)


@pytest.fixture
def announced() -> Iterator[list[set[str]]]:
    """The folders of each `contents_changed` sent, as "dev:/app", or "dev:/app's comments" where these alone are."""
    signals: list[set[str]] = []

    def note(folder_ids: set[Any], *, aspect: Aspect, **kwargs: object) -> None:
        rows = Folder.objects.select_related("environment").filter(id__in=folder_ids)
        of = "" if aspect is Aspect.CONTENTS else f"'s {aspect.value}"
        signals.append({f"{folder}{of}" for folder in rows})

    contents_changed.connect(note)
    yield signals
    contents_changed.disconnect(note)


@pytest.fixture
def client_of(db: None) -> ClientOf:
    def sign_in(role: str) -> Client:
        client = Client()
        if role != "anonymous":
            user = User.objects.create_user(role, is_staff=role != "nobody", is_superuser=role == "superuser")
            if role not in ("superuser", "staff", "nobody"):
                user.groups.add(Group.objects.get(name=role.capitalize()))
            client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def editor(client_of: ClientOf) -> Client:
    return client_of("editor")
