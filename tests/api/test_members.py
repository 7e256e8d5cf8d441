"""A member of a project calls the routes of the vault: theirs as ever, others as if nothing were there."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User

from api.models import ApiToken
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from vault import editing
from vault.access.models import Membership
from vault.models import Folder, Project, Secret, SecretImport

VALUE = "canary-51ce"
NOWHERE = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


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


def caller(
    project: Project,
    *roles: str,
    scopes: tuple[str, ...] = (),
    environments: tuple[str, ...] = ("dev",),
    paths: tuple[str, ...] = ("/app",),
    name: str = "mia",
) -> Caller:
    user = User.objects.create_user("-".join((name, *roles, *scopes)))
    limits = {"environments": list(environments), "paths": list(paths)}
    for role in roles:
        Membership.objects.create(project=project, user=user, role=role, **limits)
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


def test_lists_projects_and_environments_as_far_as_they_are_theirs(shop: Project) -> None:
    viewer = caller(shop, "viewer")

    listed = viewer.get("/api/v1/projects")["projects"]

    assert [(one["slug"], [each["slug"] for each in one["environments"]]) for one in listed] == [("shop", ["dev"])]
    assert viewer.get("/api/v1/workspace")["workspaces"] == listed
    for route in (f"/api/v1/projects/{shop.pk}", "/api/v1/projects/slug/shop"):
        assert viewer.get(route)["project"] == listed[0]
    environments = viewer.get(f"/api/v1/projects/{shop.pk}/environments")["environments"]
    assert [one["slug"] for one in environments] == ["dev"]
    dev, prod = shop.environments.get(slug="dev"), shop.environments.get(slug="prod")
    for route in (f"/api/v1/projects/{shop.pk}/environments/", "/api/v1/workspace/environments/"):
        assert viewer.get(f"{route}{dev.pk}")["environment"]["slug"] == "dev"
        viewer.get(f"{route}{prod.pk}", status=404)
    viewer.get(f"/api/v1/projects/{shop.pk}/environments/slug/prod", status=404)


def test_another_project_answers_as_if_it_were_not_there(shop: Project) -> None:
    manager, other = caller(shop, "manager", "reader"), Project.objects.get(slug="other")
    tag, dev = editing.create_tag(other, "word", by=ANYBODY), other.environments.get(slug="dev")

    for project in (other.pk, NOWHERE):
        base = f"/api/v1/projects/{project}"
        for method, rest, body in (
            ("GET", "", None),
            ("PATCH", "", {"name": "Taken"}),
            ("GET", "/environments", None),
            ("POST", "/environments", {"name": "New", "slug": "new"}),
            ("GET", f"/environments/{dev.pk}", None),
            ("PATCH", f"/environments/{dev.pk}", {"name": "Taken"}),
            ("DELETE", f"/environments/{dev.pk}", None),
            ("GET", "/tags", None),
            ("POST", "/tags", {"slug": "new"}),
            ("GET", f"/tags/{tag.pk}", None),
            ("PATCH", f"/tags/{tag.pk}", {"slug": "taken"}),
            ("DELETE", f"/tags/{tag.pk}", None),
        ):
            told = manager.ask(method, f"{base}{rest}", body, status=404)["message"]
            assert told == f"There is no project with the ID {project}.", (method, rest)
    assert manager.get("/api/v2/workspace/other", status=404)["message"] == "There is no project with the slug other."


def test_what_is_of_the_whole_project_takes_the_right_in_all_of_it(shop: Project) -> None:
    """The name of an environment too, by which rights and references call it."""
    some, of_dev = caller(shop, "manager"), caller(shop, "manager", paths=(), name="dora")
    whole = caller(shop, "manager", "reader", environments=(), paths=(), name="wanda")
    dev, tag = shop.environments.get(slug="dev"), editing.create_tag(shop, "word", by=ANYBODY)
    base = f"/api/v1/projects/{shop.pk}"

    asked = (
        ("PATCH", "", {"name": "Taken"}),
        ("POST", "/environments", {"name": "New", "slug": "new"}),
        ("PATCH", f"/environments/{dev.pk}", {"slug": "taken"}),
        ("POST", "/tags", {"slug": "new"}),
        ("PATCH", f"/tags/{tag.pk}", {"slug": "taken"}),
        ("DELETE", f"/tags/{tag.pk}", None),
    )
    for method, rest, body in asked:
        for one in (some, of_dev):
            told = one.ask(method, f"{base}{rest}", body, status=403)["message"]
            assert re.search(" in (Shop|the whole project|dev:/)", told), told
    assert sorted(shop.tags.values_list("slug", flat=True)) == ["word"]
    of_dev.patch(f"{base}/environments/{dev.pk}", {"name": "Named"})
    for method, rest, body in asked:
        whole.ask(method, f"{base}{rest}", body)
    assert Project.objects.get(pk=shop.pk).name == "Taken"


def test_imports_show_and_take_what_is_theirs(shop: Project) -> None:
    editor, at = caller(shop, "editor", "reader"), {"projectSlug": "shop", "environment": "dev", "path": "/app"}
    dev, prod = shop.environments.get(slug="dev"), shop.environments.get(slug="prod")
    hidden = SecretImport.objects.get(folder__environment=dev)
    editing.create_folder(dev, "/app/lib", by=ANYBODY)

    where = "/api/v1/secret-imports?projectSlug=shop&environment=dev&path=/app"
    assert editor.get(where)["secretImports"] == []
    for method, body in (("GET", None), ("PATCH", {**at, "import": {"position": 1}}), ("DELETE", at)):
        editor.ask(method, f"/api/v1/secret-imports/{hidden.pk}", body, status=404)
    for environment, path in (("dev", "/db"), ("prod", "/app"), ("prod", "/nowhere"), ("nowhere", "/")):
        source = {"environment": environment, "path": path}
        told = editor.post("/api/v1/secret-imports", {**at, "import": source}, status=404)["message"]
        assert told == f"There is no folder {path} in {environment}. Create it, or correct the path."
    made = editor.post("/api/v1/secret-imports", {**at, "import": {"environment": "dev", "path": "/app/lib"}})
    assert [one["id"] for one in editor.get(where)["secretImports"]] == [made["secretImport"]["id"]]

    # One of another environment takes the right to read there, and to see it is not enough.
    user = User.objects.get(username="mia-editor-reader")
    editing.create_folder(prod, "/app", by=ANYBODY)
    seen = Membership.objects.create(project=shop, user=user, role="viewer", environments=["prod"])
    source = {"environment": "prod", "path": "/app"}
    assert (
        "vault.reveal_secret" in editor.post("/api/v1/secret-imports", {**at, "import": source}, status=403)["message"]
    )
    Membership.objects.filter(pk=seen.pk).update(role="reader")
    answer = editor.post("/api/v1/secret-imports", {**at, "import": source})["secretImport"]
    editor.delete(f"/api/v1/secret-imports/{answer['id']}", at)


def test_a_transfer_takes_the_rights_at_both_ends(shop: Project) -> None:
    both = caller(shop, "editor", "reader")
    at = {"projectSlug": "shop", "environment": "dev"}
    editing.create_folder(shop.environments.get(slug="dev"), "/app/lib", by=ANYBODY)
    before = state()

    def send(what: str, source: str, target: dict[str, str], *, status: int) -> dict[str, Any]:
        name = "secretPath" if what.startswith("secrets") else "path"
        keys = {"secretKeys": ["KEY"]} if what.startswith("secrets") else {}
        to = {("secretPath" if key == "path" and name == "secretPath" else key): value for key, value in target.items()}
        body = {**at, name: source, **keys, "destination": to}
        answer: dict[str, Any] = both.post(f"/api/v1/transfers/{what}", body, status=status)
        return answer

    other = str(Project.objects.get(slug="other").pk)
    for what in ("secrets/copy", "secrets/move", "folders/copy", "folders/move"):
        for target in (
            {"environment": "dev", "path": "/db"},
            {"environment": "prod", "path": "/app"},
            {"environment": "dev", "path": "/app", "projectId": other},
            {"environment": "dev", "path": "/app", "projectId": NOWHERE},
        ):
            send(what, "/app", target, status=404)
        send(what, "/db", {"environment": "dev", "path": "/app"}, status=404)
    Membership.objects.create(
        project=shop, user=User.objects.get(username="mia-editor-reader"), role="viewer", paths=["/db"]
    )
    for what, right in (("copy", "vault.add_secret"), ("move", "vault.add_secret")):
        told = send(f"secrets/{what}", "/app", {"environment": "dev", "path": "/db"}, status=403)["message"]
        assert f"{right} in dev:/db of Shop" in told
    assert state() == before
    moved = send("secrets/move", "/app", {"environment": "dev", "path": "/app/lib"}, status=200)["transfer"]
    assert moved["created"] == ["KEY"]
    copied = send("secrets/copy", "/app/lib", {"environment": "dev", "path": "/app/new"}, status=200)["transfer"]
    assert (copied["path"], copied.keys() & {"references", "unseenReferences"}) == ("/app/new", set())


def test_a_move_counts_the_references_that_it_may_not_name(shop: Project) -> None:
    editor, at = caller(shop, "editor"), {"projectSlug": "shop", "environment": "dev", "secretPath": "/app"}
    for path, key in (("/app", "NEAR"), ("/db", "FAR")):
        editing.set_secret(Folder.objects.get(path=path, environment__project=shop), key, "${dev.app.KEY}", by=ANYBODY)

    to = {"environment": "dev", "secretPath": "/app/new"}
    body = {**at, "secretKeys": ["KEY"], "destination": to, "updateReferences": False}
    moved = editor.post("/api/v1/transfers/secrets/move", body)["transfer"]

    assert ([one["secretKey"] for one in moved["references"]], moved["unseenReferences"]) == (["NEAR"], 1)


def test_an_export_lacks_nothing_or_is_refused(shop: Project) -> None:
    where = f"{place(shop)}&path=/app".replace("&secretPath=/app", "")
    reader = caller(shop, "reader")

    assert VALUE in reader.get(f"/api/v1/transfers/export?{where}&values=stored")["export"]["content"]
    told = reader.get(f"/api/v1/transfers/export?{where}", status=400)["message"]
    assert "Reader of values" in told
    assert "/db" not in told
    caller(shop, "viewer").get(f"/api/v1/transfers/export?{where}", status=403)
    reader.get(f"/api/v1/transfers/export?{where.replace('/app', '/db')}", status=404)


def state() -> list[object]:
    secrets = Secret.objects.order_by("pk").values_list("pk", "key", "folder", "version")
    return [*secrets, *Folder.objects.order_by("pk").values_list("pk", "path")]


def test_a_plan_names_no_reference_of_a_hidden_folder(shop: Project) -> None:
    at = {"projectSlug": "shop", "environment": "dev", "secretPath": "/app"}
    for path, key in (("/app", "ONLY"), ("/app", "NEAR"), ("/db", "FAR")):
        folder = Folder.objects.get(environment__project=shop, environment__slug="dev", path=path)
        editing.set_secret(folder, key, VALUE if key == "ONLY" else "${dev.app.ONLY}", by=ANYBODY)

    answer = caller(shop, "editor", "reader").delete("/api/v4/secrets/ONLY?plan=true", at)

    assert [one["secretKey"] for one in answer["danglingReferences"]] == ["NEAR"]
