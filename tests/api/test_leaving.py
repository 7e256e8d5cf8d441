"""By every page and route: what leaves its environment takes the right to read values, and of a token the scope."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.roles import EDITOR
from audit.models import Action, Entry
from tests.actors import ANYBODY
from tests.api.conftest import Caller, make_caller, make_user
from vault import editing
from vault.models import Environment, Folder, Project, Secret, SecretImport, SecretReference
from vault.reading import find_folder

VALUE = "canary-91c2"
PERMISSION = "vault.reveal_secret"
REFERENCE = "${prod.live.DB}"
# All that a writer of the vault may have but the one right.
WRITES = [
    f"{verb}_{model}"
    for verb in ("view", "add", "change", "delete")
    for model in ("project", "environment", "folder", "secret", "secretimport", "tag")
]
SCOPES = ["vault:read", "vault:write"]


@pytest.fixture(autouse=True)
def vault(project: Project, folder: Folder) -> None:
    """In dev:/my-secrets, PLAIN, what was a reference once, text that looks like one, and an import."""
    dev, prod = project.environments.get(slug="dev"), project.environments.get(slug="prod")
    editing.set_secret(editing.create_folder(prod, "/live", by=ANYBODY), "DB", VALUE, by=ANYBODY)
    editing.set_secret(editing.create_folder(prod, "/hidden", by=ANYBODY), "DEEP", VALUE, by=ANYBODY)
    editing.create_folder(prod, "/public", by=ANYBODY)
    editing.set_secrets(folder, {"PLAIN": "1", "ONCE": REFERENCE, "AWAITED": "${prod.later.DEEP}"}, by=ANYBODY)
    editing.set_secrets(folder, {"ONCE": "2", "NAMED": "${prod.live.NEW}", "GONE": "${stage.live.DB}"}, by=ANYBODY)
    editing.set_secrets(folder, {"TEXT": REFERENCE}, literal={"TEXT": True}, by=ANYBODY)
    editing.add_import(folder, editing.create_folder(dev, "/shared", by=ANYBODY), by=ANYBODY)


def at(place: str) -> Folder:
    environment, path = place.split(":")
    return find_folder(Project.objects.get(), environment, path)


def here() -> Folder:
    return at("dev:/my-secrets")


def secret(key: str) -> Secret:
    return Secret.objects.get(key=key)


# Pages: what to post, and to which.

Page = Callable[[Client], Any]


def to_page(route: str, row: Callable[[], Any], /, **data: Any) -> Page:
    def post(client: Client) -> Any:
        fields = {key: value() if callable(value) else value for key, value in data.items()}
        return client.post(reverse(f"admin:vault_{route}", args=[row().pk]), fields, follow=True)

    return post


def edited(key: str, **fields: Any) -> Page:
    known = {"key": key, "comment": "", "version": lambda: str(secret(key).version)}
    return to_page("secret_edit", lambda: secret(key), **known | fields)


def kept_dotenv(client: Client) -> Any:
    """The right goes between the preview and the confirmation."""
    address = reverse("admin:vault_dotenv", args=[here().pk])
    user = User.objects.get(username="writer")
    right = Permission.objects.get(codename="reveal_secret")
    user.user_permissions.add(right)
    kept = client.post(address, {"text": f"NEW={REFERENCE}"}).context["kept"]
    user.user_permissions.remove(right)
    return client.post(address, {"kept": kept}, follow=True)


PAGES: dict[str, Page] = {
    "a secret is added": to_page("secret_add_page", here, key="NEW", value=REFERENCE),
    "a secret is changed": edited("PLAIN", value=REFERENCE),
    "references are turned on": edited("TEXT"),
    "a version is restored": to_page("secret_restore", lambda: secret("ONCE"), version="1"),
    "a .env is pasted": to_page("dotenv", here, text=f"A=1\nNEW={REFERENCE}"),
    "a .env is uploaded": to_page(
        "dotenv", here, file=lambda: SimpleUploadedFile(".env", f"PLAIN={REFERENCE}".encode())
    ),
    "a preview is confirmed": kept_dotenv,
    "an import is added": to_page("import_add", here, source=lambda: str(at("prod:/live").pk)),
    "a secret is renamed": to_page("secret_edit", lambda: secret("DB"), key="NEW", comment="", version="1"),
    "a folder is renamed": to_page("folder_edit", lambda: at("prod:/hidden"), name="later", description=""),
    "an environment is renamed": to_page(
        "environment_edit", lambda: Environment.objects.get(slug="prod"), name="Stage", slug="stage"
    ),
}

# Routes: what to send.

Route = Callable[[Caller], Any]


def send(method: str, path: str, body: Callable[[], dict[str, Any]], place: str = "dev:/my-secrets") -> Route:
    def ask(caller: Caller) -> Any:
        environment, folder_path = place.split(":")
        beside = {"projectId": str(Project.objects.get().pk), "environment": environment, "secretPath": folder_path}
        ids = {"folder": at("prod:/hidden").pk, "import": SecretImport.objects.get().pk}
        ids |= {"project": Project.objects.get().pk, "prod": at("prod:/").environment_id}
        return caller.send(method, path.format(**ids), beside | body())

    return ask


def batch(*secrets: dict[str, Any], **fields: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {"secrets": list(secrets), **fields}


NEW = {"secretKey": "NEW", "secretValue": REFERENCE}
CHANGED = {"secretKey": "PLAIN", "secretValue": REFERENCE}
LIVE = {"environment": "prod", "path": "/live"}
ROUTES: dict[str, Route] = {}
for v, raw in (("v3", "/raw"), ("v4", "")):
    base = f"/api/{v}/secrets"
    ROUTES |= {
        f"{v}: a secret is created": send("POST", f"{base}{raw}/NEW", lambda: {"secretValue": REFERENCE}),
        f"{v}: a secret is changed": send("PATCH", f"{base}{raw}/PLAIN", lambda: {"secretValue": REFERENCE}),
        f"{v}: references are turned on": send("PATCH", f"{base}{raw}/TEXT", lambda: {"noReferences": False}),
        f"{v}: many are created": send("POST", f"{base}/batch{raw}", batch({"secretKey": "A"}, NEW)),
        f"{v}: one is created in another folder": send(
            "POST", f"{base}/batch{raw}", batch({**NEW, "secretPath": "/shared"})
        ),
        f"{v}: many are changed": send("PATCH", f"{base}/batch{raw}", batch(CHANGED)),
        f"{v}: many are created or changed": send("PATCH", f"{base}/batch{raw}", batch(CHANGED, NEW, mode="upsert")),
        f"{v}: one is missing and created": send("PATCH", f"{base}/batch{raw}", batch(NEW, mode="upsert")),
        f"{v}: a secret is renamed": send("PATCH", f"{base}{raw}/DB", lambda: {"newSecretName": "NEW"}, "prod:/live"),
        f"{v}: one of many is renamed": send(
            "PATCH", f"{base}/batch{raw}", batch({"secretKey": "DB", "newSecretName": "NEW"}), "prod:/live"
        ),
    }
for v in ("v1", "v2"):
    ROUTES |= {
        f"{v}: an import is created": send(
            "POST", f"/api/{v}/secret-imports", lambda: {"path": "/my-secrets", "import": LIVE}
        ),
        f"{v}: an import is pointed elsewhere": send(
            "PATCH", f"/api/{v}/secret-imports/{{import}}", lambda: {"path": "/my-secrets", "import": LIVE}
        ),
        f"{v}: a folder is renamed": send(
            "PATCH", f"/api/{v}/folders/{{folder}}", lambda: {"name": "later", "path": "/"}, "prod:/"
        ),
    }
ROUTES["an environment is renamed"] = send(
    "PATCH", "/api/v1/projects/{project}/environments/{prod}", lambda: {"name": "Stage", "slug": "stage"}
)
ROUTES["an environment of a workspace is renamed"] = send(
    "PATCH", "/api/v1/workspace/{project}/environments/{prod}", lambda: {"name": "Stage", "slug": "stage"}
)


def state() -> list[object]:
    edges = SecretReference.objects.order_by("pk").values_list("secret__key", "environment_slug", "path", "key")
    versions = Secret.objects.order_by("key").values_list("key", "version")
    places = Folder.objects.order_by("pk").values_list("environment__slug", "path")
    return [*edges, *versions, *places, *SecretImport.objects.values_list("source__path")]


@pytest.mark.parametrize("name", PAGES)
def test_no_page_moves_what_a_person_may_not_read(client: Client, name: str) -> None:
    writer = User.objects.create_user("writer", is_staff=True)
    writer.user_permissions.set(Permission.objects.filter(content_type__app_label="vault", codename__in=WRITES))
    client.force_login(writer)
    before = state()

    page = PAGES[name](client).content.decode()

    assert f"{PERMISSION}, which you lack" in page
    assert VALUE not in page
    assert state() == before


@pytest.mark.parametrize("name", PAGES)
def test_every_page_does_for_those_who_may(client: Client, name: str) -> None:
    user = make_user("writer", EDITOR)
    user.is_staff = True
    user.save()
    client.force_login(user)
    before = state()

    page = PAGES[name](client).content.decode()
    if "preview" in page and state() == before:
        page = to_page("dotenv", here, text=f"NEW={REFERENCE}")(client).context["kept"]
        client.post(reverse("admin:vault_dotenv", args=[here().pk]), {"kept": page})

    assert state() != before


@pytest.mark.parametrize("who", ["a token without the scope", "a token of somebody without the right"])
@pytest.mark.parametrize("name", ROUTES)
def test_no_route_moves_what_a_token_may_not_read(name: str, who: str) -> None:
    if who == "a token without the scope":
        caller = make_caller(make_user("editor", EDITOR), scopes=SCOPES)
    else:
        user = User.objects.create_user("writer")
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="vault", codename__in=WRITES))
        caller = make_caller(user)
    before = state()

    response = ROUTES[name](caller)

    assert response.status_code == 403
    told = response.json()
    assert f"{PERMISSION}, which this token or its owner lacks." in told["message"]
    assert VALUE not in response.content.decode()
    assert state() == before
    assert Entry.objects.filter(action=Action.REFUSED).exists()


@pytest.mark.parametrize("name", ROUTES)
def test_every_route_does_for_those_who_may(name: str) -> None:
    caller = make_caller(make_user("editor", EDITOR), scopes=[*SCOPES, "vault:reveal"])
    before = state()

    response = ROUTES[name](caller)

    assert response.status_code == 200, response.content
    assert state() != before


def test_no_route_tells_a_token_that_it_guessed_a_value(folder: Folder) -> None:
    """Right or wrong, a guess is written: version, time and tag of the answer change as much."""
    caller = make_caller(make_user("editor", EDITOR), scopes=SCOPES)
    place = {"projectId": str(folder.environment.project_id), "environment": "dev", "secretPath": "/my-secrets"}

    answers = [
        caller.patch("/api/v4/secrets/PLAIN", {**place, "secretValue": guess})["secret"] for guess in ("1", "1", "2")
    ]

    assert [answer["version"] for answer in answers] == [2, 3, 4]
    assert {answer["secretValue"] for answer in answers} == {"<hidden-by-infisical>"}
