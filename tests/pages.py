"""What tests of pages share: people of each role, a browser, and a few syncs in every state."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser

from connections.models import Connection
from syncs.choices import Status, Trigger
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.browser import open_browser
from vault.editing import create_environment, create_folder, create_project

PASSWORD = "correct-horse-7"


@pytest.fixture
def somebody(db: None) -> Callable[..., User]:
    def make(*groups: str, name: str = "", **attributes: Any) -> User:
        user = User.objects.create_user(
            name or "-".join(groups) or "nobody", password=PASSWORD, is_staff=True, **attributes
        )
        user.groups.set(Group.objects.filter(name__in=groups))
        return User.objects.get(pk=user.pk)

    return make


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    def make(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def add_sync(db: None) -> Callable[..., DevinSync]:
    """Makes syncs of one folder, each with one run in its own state."""
    connection = Connection(name="acme", base_url="https://devin.example")
    connection.save()
    project = create_project(name="Shop", slug="shop", environments=(), by=ANYBODY)
    environment = create_environment(project, name="Production", slug="prod", by=ANYBODY)
    folder = create_folder(environment, "/app", by=ANYBODY)

    def make(name: str, status: Status, **attributes: Any) -> DevinSync:
        sync = DevinSync.objects.create(
            name=name,
            project=project,
            folder=folder,
            connection=connection,
            org_id="org-acme",
            sync_status=status,
            next_reconcile_at=timezone.now() + timedelta(minutes=5),
            **attributes,
        )
        run = SyncRun.objects.create(
            sync=sync, sync_name=name, org_id="org-acme", trigger=Trigger.MANUAL, status=status, created_count=2
        )
        DevinSync.objects.filter(pk=sync.pk).update(last_sync_run_id=run.pk)
        sync.refresh_from_db()
        return sync

    return make


@pytest.fixture(scope="module")
def browser_of_file(live_server: Any) -> Iterator[Browser]:
    """To start one takes longer than most of its tests."""
    with open_browser() as browser:
        yield browser


@pytest.fixture
def browser(browser_of_file: Browser) -> Iterator[Browser]:
    """Each test opens contexts of its own, which share nothing with those of others and end with it."""
    yield browser_of_file
    for context in browser_of_file.contexts:
        context.close()
