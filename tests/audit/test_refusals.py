"""A refusal says what was missing, and where: a right, a password, or patience."""

import json

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from api.models import ApiToken, MachineIdentity
from audit.models import Action, Entry, Outcome
from tests.actors import ANYBODY
from tests.api.conftest import make_caller
from tests.audit.test_capture import browser_of, make
from vault.editing import create_environment, create_folder, create_project, set_secrets
from vault.models import Folder

pytestmark = pytest.mark.django_db
SECRET = "canary-secret-3151"


@pytest.fixture
def folder() -> Folder:
    project = create_project(name="Shop", slug="shop", environments=(), by=ANYBODY)
    folder = create_folder(create_environment(project, name="Dev", slug="dev", by=ANYBODY), "/app", by=ANYBODY)
    set_secrets(folder, {"API_KEY": "value"}, by=ANYBODY)
    return folder


def refused() -> tuple[str, str, str]:
    """The newest line: what was missing, where, and which key."""
    entry = Entry.objects.order_by("-pk")[0]
    assert entry.outcome == Outcome.REFUSED
    return entry.lacking, f"{entry.project} {entry.environment}:{entry.path}", entry.key


def test_pages_and_the_api_name_the_right_and_the_place(folder: Folder) -> None:
    vera = make("vera", "Viewer")
    client, caller, secret = browser_of(vera), make_caller(vera), folder.secrets.get()
    place = {"projectId": str(folder.environment.project_id), "environment": "dev", "secretPath": "/app"}

    client.post(reverse("admin:vault_secret_reveal", args=[secret.pk]))
    assert refused() == ("vault.reveal_secret", "shop dev:/app", "API_KEY")

    client.post(reverse("admin:auth_user_change", args=[vera.pk]), {"is_superuser": "on"})
    assert refused() == ("auth.change_user", " :", "")

    client.get("/admin/audit/entry/")
    assert refused()[0] == "audit.view_entry"

    caller.patch("/api/v4/secrets/API_KEY", place | {"secretValue": "x"}, status=403)
    assert refused()[0] == "vault.change_secret"


def test_a_form_that_comes_back_for_want_of_a_right_was_refused(folder: Folder) -> None:
    eve = make("eve", "Editor")
    eve.user_permissions.clear()
    other = create_environment(folder.environment.project, name="Prod", slug="prod", by=ANYBODY)
    source = create_folder(other, "/live", by=ANYBODY)
    eve.groups.clear()
    grant(eve, "view_project", "view_folder", "view_secret", "add_secretimport", "view_secretimport")

    browser_of(eve).post(reverse("admin:vault_import_add", args=[folder.pk]), {"source": str(source.pk)})

    assert refused() == ("vault.reveal_secret", "shop dev:/app", "")


def grant(user: User, *names: str) -> None:
    from django.contrib.auth.models import Permission

    user.user_permissions.set(Permission.objects.filter(content_type__app_label="vault", codename__in=names))


def test_wrong_passwords_and_the_lock_that_they_bring_are_told_apart(settings: LazySettings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    User.objects.create_user("alice", password="correct-horse-7", is_staff=True)

    for _ in range(4):
        Client().post("/admin/login/", {"username": "alice", "password": SECRET})

    lines = Entry.objects.filter(action=Action.FAILED_LOG_IN).order_by("pk")
    assert [(line.lacking, line.outcome) for line in lines] == [
        ("wrong password", "refused"),
        ("wrong password", "refused"),
        ("locked out", "refused"),
        ("locked out", "refused"),
    ]
    assert SECRET not in str(list(Entry.objects.values()))


def test_a_machine_that_is_not_let_in_leaves_a_line(settings: LazySettings) -> None:
    settings.API_RATE_PER_MINUTE = 0
    identity = MachineIdentity.objects.create(name="deploy", role=make("eve", "Editor").groups.get())

    def log_in(client_id: str) -> None:
        body = {"clientId": client_id, "clientSecret": SECRET}
        Client().post("/api/v1/auth/universal-auth/login", json.dumps(body), content_type="application/json")

    for _ in range(4):
        log_in(str(identity.client_id))
    log_in(SECRET)

    lines = Entry.objects.order_by("pk").values_list("actor", "lacking")
    assert list(lines) == [
        *[("machine identity deploy", "wrong client secret")] * 3,
        ("machine identity deploy", "locked out"),
        ("(unknown name)", "wrong client secret"),
    ]
    assert SECRET not in str(list(Entry.objects.values()))


def test_what_was_done_and_what_could_not_be_are_told_apart(folder: Folder) -> None:
    root = User.objects.create_superuser("root")
    _, token = ApiToken.issue(root, "ci")
    browser_of(root).post("/admin/sessions/", {"which": "others"})
    Client().delete(f"/api/v1/app-connections/devin/{folder.pk}", headers={"Authorization": f"Bearer {token}"})

    outcomes = Entry.objects.filter(action=Action.ASKED).order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == [Outcome.DONE, Outcome.FAILED]
