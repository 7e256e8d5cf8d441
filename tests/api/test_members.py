"""A member of a project calls the routes of secrets and folders: theirs as ever, others as if nothing were there."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from api.models import ApiToken
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from vault import editing
from vault.access.models import Membership
from vault.models import Folder, Project, Secret

VALUE = "canary-51ce"


@pytest.fixture
def shop(db: None) -> Project:
    shop, other = (editing.create_project(name=name, by=ANYBODY) for name in ("Shop", "Other"))
    for project in (shop, other):
        for path in ("/app", "/db"):
            made = editing.create_folder(project.environments.get(slug="dev"), path, by=ANYBODY)
            editing.set_secret(made, "KEY", VALUE, by=ANYBODY)
    folders = Folder.objects.filter(environment__project=shop, environment__slug="dev")
    app, below = folders.get(path="/app"), folders.get(path="/db")
    editing.add_import(app, below, by=ANYBODY)
    editing.set_secret(below, "DEEP", VALUE, by=ANYBODY)
    editing.set_secret(app, "SHOWS", "<${dev.db.KEY}>", by=ANYBODY)
    return shop


def caller(project: Project, *roles: str, scopes: tuple[str, ...] = ()) -> Caller:
    user = User.objects.create_user("-".join(("mia", *roles, *scopes)))
    for role in roles:
        Membership.objects.create(project=project, user=user, role=role, environments=["dev"], paths=["/app"])
    return Caller(ApiToken.issue(user, "token", scopes=list(scopes))[1])


def place(project: Any, path: str = "/app", environment: str = "dev") -> str:
    return f"projectSlug={getattr(project, 'slug', project)}&environment={environment}&secretPath={path}"


def test_reads_what_is_theirs_and_nothing_through_it(shop: Project) -> None:
    reader = caller(shop, "reader")

    answer = reader.get(f"/api/v4/secrets?{place(shop)}")

    values = {one["secretKey"]: one["secretValue"] for one in answer["secrets"]}
    assert values == {"KEY": VALUE, "SHOWS": "<${dev.db.KEY}>"}
    assert [one for each in answer["imports"] for one in each["secrets"]] == []
    assert reader.get(f"/api/v4/secrets/KEY?{place(shop)}")["secret"]["secretValue"] == VALUE
    reader.get(f"/api/v4/secrets/DEEP?{place(shop)}", status=404)


def test_what_is_not_theirs_is_not_there(shop: Project) -> None:
    mallory = caller(shop, "editor", "reader")
    missing = mallory.get(f"/api/v4/secrets?{place('nowhere')}", status=404)["message"]

    for where in (place("other"), place(shop, environment="prod")):
        for route in (f"/api/v4/secrets?{where}", f"/api/v3/secrets/raw/KEY?{where}"):
            answer = mallory.get(route, status=404)
            assert answer["message"].replace("prod", "dev") == missing
    mallory.get(f"/api/v4/secrets?{place(shop, '/db')}", status=404)
    hidden = Secret.objects.exclude(folder__path="/app").values_list("pk", flat=True)
    for secret_id in hidden:
        mallory.get(f"/api/v4/secrets/id/{secret_id}", status=404)
    at = {"projectSlug": "shop", "environment": "dev", "secretPath": "/db"}
    mallory.patch("/api/v4/secrets/KEY", {**at, "secretValue": "1"}, status=404)
    mallory.post("/api/v4/secrets/NEW", {**at, "secretValue": "1"}, status=404)
    mallory.delete("/api/v4/secrets/KEY", at, status=404)
    assert Secret.objects.filter(key="KEY", version=1).count() == 4


def test_who_sees_and_may_not_is_told_the_right_and_the_place(shop: Project) -> None:
    at = {"projectSlug": "shop", "environment": "dev", "secretPath": "/app"}
    viewer, editor = caller(shop, "viewer"), caller(shop, "editor")
    scoped = caller(shop, "editor", "reader", scopes=("vault:read",))

    refused = editor.get(f"/api/v4/secrets?{place(shop)}", status=403)
    assert "vault.reveal_secret in dev:/app" in refused["message"]
    assert viewer.get(f"/api/v4/secrets?{place(shop)}&viewSecretValue=false")["secrets"][0]["secretValue"] != VALUE
    for one in (viewer, scoped):
        one.patch("/api/v4/secrets/KEY", {**at, "secretValue": "1"}, status=403)
    scoped.get(f"/api/v4/secrets?{place(shop)}", status=403)
    answer = editor.patch("/api/v4/secrets/KEY", {**at, "secretValue": "2"})
    assert VALUE not in str(answer)
    batch = {**at, "secrets": [{"secretKey": "KEY", "secretValue": "3", "secretPath": "/db"}]}
    editor.patch("/api/v4/secrets/batch", batch, status=404)


def test_works_with_folders_below_theirs(shop: Project) -> None:
    editor, at = caller(shop, "editor"), {"projectSlug": "shop", "environment": "dev"}
    where = "projectSlug=shop&environment=dev"

    made = editor.post("/api/v1/folders", {**at, "path": "/app/new", "name": "deep"})["folder"]

    assert made["path"] == "/app/new/deep"
    listed = editor.get(f"/api/v1/folders?{where}&path=/app&recursive=true")["folders"]
    assert [one["relativePath"] for one in listed] == ["new", "new/deep"]
    for route in (made["id"], f"{shop.pk}/dev/app/new/deep"):
        assert editor.get(f"/api/v2/folders/{route}")["folder"]["id"] == made["id"]
    editor.patch(f"/api/v1/folders/{made['id']}", {**at, "name": "low"})
    editor.delete("/api/v1/folders/low", {**at, "path": "/app/new"})
    assert not Folder.objects.filter(path__in=("/app/new/deep", "/app/new/low")).exists()


def test_folders_that_are_not_theirs_are_not_there(shop: Project) -> None:
    editor, before = caller(shop, "editor"), set(Folder.objects.values_list("pk", "path", "version"))
    places = [(slug, env, "/") for slug, env in (("shop", "dev"), ("shop", "prod"), ("other", "dev"), ("none", "dev"))]

    for slug, env, path in (*places, ("shop", "dev", "/db"), ("other", "dev", "/app")):
        at = {"projectSlug": slug, "environment": env, "path": path}
        answers = [
            editor.get(f"/api/v1/folders?projectSlug={slug}&environment={env}&path={path}", status=404),
            editor.post("/api/v1/folders", {**at, "name": "new"}, status=404),
        ]
        assert {one["message"] for one in answers} == {
            f"There is no folder {path} in {env}. Create it, or correct the path."
        }
    for hidden in Folder.objects.exclude(environment__project=shop, environment__slug="dev", path="/app"):
        editor.get(f"/api/v2/folders/{hidden.pk}", status=404)
        where = hidden.environment
        editor.get(f"/api/v2/folders/{where.project_id}/{where.slug}{hidden.path}".rstrip("/"), status=404)
        at = {"projectId": str(where.project_id), "environment": where.slug}
        for named in (hidden.pk, hidden.name or "db"):
            editor.patch(f"/api/v1/folders/{named}", {**at, "name": "taken"}, status=404)
            editor.delete(f"/api/v1/folders/{named}", at, status=404)
    assert set(Folder.objects.values_list("pk", "path", "version")) == before


def test_who_sees_a_folder_and_may_not_change_it_is_told_so(shop: Project) -> None:
    at = {"projectSlug": "shop", "environment": "dev"}

    for one in (caller(shop, "viewer"), caller(shop, "editor", scopes=("vault:read",))):
        one.get("/api/v1/folders?projectSlug=shop&environment=dev&path=/app")
        one.post("/api/v1/folders", {**at, "path": "/app", "name": "new"}, status=403)
        one.patch("/api/v1/folders/app", {**at, "name": "taken"}, status=403)
        one.delete("/api/v1/folders/app", at, status=403)
    viewer, mia = caller(shop, "viewer", "operator"), User.objects.get(username="mia-viewer-operator")
    Membership.objects.create(project=shop, user=mia, role="editor", paths=["/db"])
    refused = viewer.patch("/api/v1/folders/app", {**at, "name": "taken"}, status=403)
    assert "vault.change_folder in dev:/app" in refused["message"]


def test_other_routes_of_the_vault_take_rights_everywhere(shop: Project) -> None:
    manager = caller(shop, "manager", "reader")

    for route in ("/api/v1/projects", f"/api/v1/projects/{shop.pk}", f"/api/v1/transfers/export?{place(shop)}"):
        manager.get(route, status=403)


def test_a_plan_names_no_reference_of_a_hidden_folder(shop: Project) -> None:
    at = {"projectSlug": "shop", "environment": "dev", "secretPath": "/app"}
    for path, key in (("/app", "ONLY"), ("/app", "NEAR"), ("/db", "FAR")):
        folder = Folder.objects.get(environment__project=shop, environment__slug="dev", path=path)
        editing.set_secret(folder, key, VALUE if key == "ONLY" else "${dev.app.ONLY}", by=ANYBODY)

    answer = caller(shop, "editor", "reader").delete("/api/v4/secrets/ONLY?plan=true", at)

    assert [one["secretKey"] for one in answer["danglingReferences"]] == ["NEAR"]
