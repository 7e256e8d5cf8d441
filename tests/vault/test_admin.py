"""Who gets into which of the vault's pages, and what no page tells."""

import io
import logging
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver, reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Session
from tests.actors import ANYBODY
from tests.vault.conftest import ClientOf
from vault import editing
from vault.access.models import Membership
from vault.access.roles import Role
from vault.models import Environment, Folder, Project, Secret, SecretImport, SecretVersion, Tag, TrashEntry
from vault.trash import in_trash

CANARY = "canary-7f3a"


@pytest.fixture
def secret(app: Folder, shared: Folder) -> Secret:
    editing.set_secret(app, "TOKEN", CANARY + "-old", by=ANYBODY)
    secret = editing.set_secret(app, "TOKEN", CANARY, comment="For the API", by=ANYBODY)
    editing.set_secret(shared, "HOST", CANARY + "${dev.app.TOKEN}", by=ANYBODY)
    editing.add_import(app, shared, by=ANYBODY)
    trashed(app)
    Membership.objects.create(
        project=app.environment.project, group=Group.objects.create(name="Team"), role=Role.VIEWER
    )
    return secret


def trashed(folder: Folder) -> TrashEntry:
    """A deleted secret, deleted again where a test has restored it."""
    if not in_trash().filter(name="GONE").exists():
        editing.delete_secret(editing.set_secret(folder, "GONE", CANARY, by=ANYBODY), by=ANYBODY)
    return in_trash().get(name="GONE")


# Route: its argument, and the least role that it lets in; POST where a form leads to it alone.
ROUTES = {
    "project_changelist": ("", "viewer", "get"),
    "project_add": ("", "editor", "get"),
    "project_change": ("project", "viewer", "get"),
    "project_delete": ("project", "editor", "get"),
    "project_history": ("project", "viewer", "get"),
    "project_page": ("project", "viewer", "get"),
    "side_by_side": ("project", "viewer", "get"),
    "ageing": ("project", "viewer", "get"),
    "trash_page": ("project", "viewer", "get"),
    "history": ("folder", "viewer", "get"),
    "folder_lines": ("folder", "viewer", "get"),
    "trash_restore": ("trashed", "editor", "post"),
    "trash_delete": ("trashed", "editor", "get"),
    "trash_undo": ("deletion", "viewer", "post"),
    "members": ("project", "viewer", "get"),
    "member_add": ("project", "superuser", "get"),
    "member_edit": ("member", "superuser", "get"),
    "member_remove": ("member", "superuser", "get"),
    "tags": ("project", "viewer", "get"),
    "tag_edit": ("tag", "editor", "get"),
    "tag_delete": ("tag", "editor", "get"),
    "environment_add": ("project", "editor", "get"),
    "environment_edit": ("environment", "editor", "get"),
    "environment_delete": ("environment", "editor", "get"),
    "folder_page": ("folder", "viewer", "get"),
    "folder_add": ("folder", "editor", "get"),
    "folder_edit": ("folder", "editor", "get"),
    "folder_delete": ("folder", "editor", "get"),
    "folder_export": ("folder", "editor", "get"),
    "folder_copy": ("folder", "editor", "get"),
    "folder_move": ("folder", "editor", "get"),
    "secrets_copy": ("folder", "editor", "post"),
    "secrets_move": ("folder", "editor", "post"),
    "secrets_delete": ("folder", "editor", "post"),
    "secrets_tag": ("folder", "editor", "post"),
    "secret_add_page": ("folder", "editor", "get"),
    "dotenv": ("folder", "editor", "get"),
    "import_add": ("folder", "editor", "get"),
    "import_move": ("import", "editor", "post"),
    "import_delete": ("import", "editor", "post"),
    "secret_changelist": ("", "viewer", "get"),
    "secret_add": ("", "nobody at all", "get"),
    "secret_change": ("secret", "viewer", "get"),
    "secret_delete": ("secret", "editor", "get"),
    "secret_history": ("secret", "viewer", "get"),
    "secret_page": ("secret", "viewer", "get"),
    "secret_edit": ("secret", "editor", "get"),
    "secret_reveal": ("secret", "editor", "post"),
    "secret_resolve": ("secret", "editor", "post"),
    "secret_reveal_edit": ("secret", "editor", "post"),
    "secret_restore": ("secret", "editor", "post"),
    "secret_delete_page": ("secret", "editor", "get"),
}
RANKS = ["staff", "viewer", "editor", "superuser", "nobody at all"]


def a_tag(project: Project) -> Tag:
    return Tag.objects.get_or_create(project=project, slug="stage", defaults={"name": "Stage"})[0]


def address(name: str, secret: Secret) -> str:
    kind = ROUTES[name][0]
    if kind in ("trashed", "deletion"):
        gone = trashed(secret.folder)
        return reverse(f"admin:vault_{name}", args=[gone.pk if kind == "trashed" else gone.deletion])
    rows = {
        "project": secret.folder.environment.project_id,
        "environment": secret.folder.environment_id,
        "folder": secret.folder_id,
        "secret": secret.id,
        "import": SecretImport.objects.get().id,
        "member": Membership.objects.get().id,
        "": None,
    }
    row = a_tag(secret.folder.environment.project).pk if kind == "tag" else rows[kind]
    return reverse(f"admin:vault_{name}", args=[] if row is None else [row])


def test_every_route_is_in_the_table() -> None:
    admin_urls: Any = next(pattern for pattern in get_resolver().url_patterns if "admin/" in str(pattern.pattern))
    names = {name for name in admin_urls.reverse_dict if isinstance(name, str) and name.startswith("vault_")}

    assert names == {f"vault_{name}" for name in ROUTES}


@pytest.mark.parametrize("role", ["anonymous", "nobody", "staff", "viewer", "operator", "editor", "superuser"])
def test_lets_in_whom_it_should(client_of: ClientOf, secret: Secret, role: str) -> None:
    client = client_of(role)
    rank = RANKS.index({"operator": "viewer"}.get(role, role)) if role not in ("anonymous", "nobody") else -1

    for name, (_, least, method) in ROUTES.items():
        response = getattr(client, method)(address(name, secret), {"version": "2", "direction": "down"})
        if rank < 0:
            assert "/login/" in response.headers["Location"], name
        elif rank < RANKS.index(least):
            assert response.status_code == 403, name
        else:
            assert response.status_code in (200, 302), name
            assert "/login/" not in response.headers.get("Location", ""), name
        if name == "import_delete" and not SecretImport.objects.exists():
            editing.add_import(secret.folder, Folder.objects.get(path="/shared"), by=ANYBODY)


@pytest.mark.parametrize(
    "name",
    [
        "import_move",
        "import_delete",
        "secret_reveal",
        "secret_resolve",
        "secret_reveal_edit",
        "secret_restore",
        "trash_restore",
        "trash_undo",
    ],
)
def test_changes_are_posts_with_a_token(client_of: ClientOf, secret: Secret, name: str) -> None:
    client = client_of("superuser")
    assert client.get(address(name, secret)).status_code == 405

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="superuser"))
    assert strict.post(address(name, secret)).status_code == 403


def test_a_get_changes_nothing(client_of: ClientOf, secret: Secret) -> None:
    def state() -> tuple[object, ...]:
        models = (Project, Environment, Folder, Secret, SecretVersion, SecretImport)
        return tuple(list(model._default_manager.order_by("pk").values()) for model in models)

    client, before = client_of("superuser"), state()

    for name in ROUTES:
        client.get(address(name, secret))

    assert state() == before
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "editor", "superuser"])
def test_no_page_shows_a_value(client_of: ClientOf, secret: Secret, role: str) -> None:
    client = client_of(role)
    sealed = [*Secret.objects.values_list("sealed_value", flat=True), "sealed_value"]

    for name in ROUTES:
        page = client.get(address(name, secret), follow=True).content.decode()
        assert CANARY not in page, name
        assert not [token for token in sealed if token in page], name


def test_reveals_one_value_and_notes_who_saw_it(editor: Client, secret: Secret) -> None:
    response = editor.post(address("secret_reveal", secret))

    assert response.content.decode().count(CANARY) == 1
    assert "no-store" in response.headers["Cache-Control"]
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id) == ("editor", str(secret.pk))
    assert entry.get_change_message() == "Revealed the value of version 2."


def test_reveals_an_older_version(editor: Client, secret: Secret) -> None:
    page = editor.post(address("secret_reveal", secret), {"version": "1"}).content.decode()

    assert f"{CANARY}-old" in page


@pytest.mark.parametrize("version", ["9", "x", "-1", "1" * 30])
def test_a_version_that_is_not_there_reveals_nothing_older(editor: Client, secret: Secret, version: str) -> None:
    page = editor.post(address("secret_reveal", secret), {"version": version}, follow=True).content.decode()

    assert f"{CANARY}-old" not in page


def test_adds_a_secret(editor: Client, app: Folder) -> None:
    url = reverse("admin:vault_secret_add_page", args=[app.id])

    response = editor.post(url, {"key": "A", "value": "line 1\r\nline 2 ", "comment": "why"})

    secret = Secret.objects.get()
    assert response.headers["Location"] == reverse("admin:vault_folder_page", args=[app.id])
    assert (secret.key, secret.comment, str(secret.updated_by)) == ("A", "why", "editor")
    assert CANARY not in "".join(entry.change_message for entry in LogEntry.objects.all())
    assert editing.preview_secrets(app, {"A": "line 1\nline 2 "}, by=ANYBODY).unchanged == ["A"]


def test_a_value_outlives_an_error_without_being_shown(editor: Client, secret: Secret, app: Folder) -> None:
    url = reverse("admin:vault_secret_add_page", args=[app.id])

    refused = editor.post(url, {"key": "TOKEN", "value": CANARY + "-new"})
    assert "already" in refused.content.decode()
    assert CANARY not in refused.content.decode()

    kept = refused.context["form"]["kept"].value()
    editor.post(url, {"key": "TOKEN_2", "value": "", "kept": kept})
    assert editing.preview_secrets(app, {"TOKEN_2": CANARY + "-new"}, by=ANYBODY).unchanged == ["TOKEN_2"]


@pytest.mark.parametrize(
    ("page", "refused"),
    [
        pytest.param("secret_add_page", {"key": "not a key"}, id="a new secret, at its field"),
        pytest.param("secret_add_page", {"key": "TOKEN"}, id="a new secret, by the vault"),
        pytest.param("secret_edit", {"key": "not a key", "version": "2"}, id="a present one, at its field"),
        pytest.param("secret_edit", {"key": "TOKEN", "version": "1"}, id="a present one, by the vault"),
    ],
)
def test_the_page_says_that_the_value_is_kept(
    editor: Client, secret: Secret, app: Folder, page: str, refused: dict[str, str]
) -> None:
    url = reverse(f"admin:vault_{page}", args=[app.id if page == "secret_add_page" else secret.id])

    again = editor.post(url, {"value": CANARY, **refused}).content.decode()

    assert "The value you entered is kept, sealed. Leave this empty to use it." in again
    assert "Leave empty to keep the value as it is" not in again
    assert "Another secret can be used within it" not in again


def test_a_value_that_was_not_entered_is_not_said_to_be_kept(editor: Client, secret: Secret) -> None:
    again = editor.post(address("secret_edit", secret), {"key": "not a key", "version": "2"}).content.decode()

    assert "Leave empty to keep the value as it is" in again


def test_what_was_kept_is_of_no_use_to_others(client_of: ClientOf, editor: Client, app: Folder, secret: Secret) -> None:
    url = reverse("admin:vault_secret_add_page", args=[app.id])
    kept = editor.post(url, {"key": "not a key", "value": CANARY}).context["form"]["kept"].value()

    client_of("superuser").post(url, {"key": "STOLEN", "value": "", "kept": kept})

    assert editing.preview_secrets(app, {"STOLEN": ""}, by=ANYBODY).unchanged == ["STOLEN"]


def test_an_empty_value_keeps_the_value(editor: Client, secret: Secret) -> None:
    url = address("secret_edit", secret)

    wanted = {"key": "RENAMED", "value": "", "comment": "", "version": "2"}
    question = editor.post(url, wanted).context["question"]
    editor.post(url, {**wanted, "seen": question.seen, "references": "leave"})

    secret.refresh_from_db()
    assert (secret.key, secret.version, secret.comment) == ("RENAMED", 2, "")
    editor.post(url, {"key": "RENAMED", "is_emptied": "on", "version": "2"})
    assert editing.preview_secrets(secret.folder, {"RENAMED": ""}, by=ANYBODY).unchanged == ["RENAMED"]


def test_says_that_somebody_else_was_first(editor: Client, secret: Secret) -> None:
    page = editor.post(address("secret_edit", secret), {"key": "TOKEN", "value": CANARY + "x", "version": "1"})

    assert "changed meanwhile" in page.content.decode()
    assert CANARY not in page.content.decode()
    assert page.context["form"]["version"].value() == "2"


def test_restores_a_version(editor: Client, secret: Secret) -> None:
    editor.post(address("secret_restore", secret), {"version": "1"})

    secret.refresh_from_db()
    assert secret.version == 3


def test_deletes_a_secret(editor: Client, secret: Secret) -> None:
    assert "HOST" in editor.get(address("secret_delete_page", secret)).content.decode()

    editor.post(address("secret_delete_page", secret))

    assert not Secret.objects.filter(key="TOKEN").exists()
    assert LogEntry.objects.get().change_message == "Deleted TOKEN."


def test_djangos_own_deleting_tells_readers(editor: Client, secret: Secret, announced: list[set[str]]) -> None:
    editor.post(
        reverse("admin:vault_secret_changelist"),
        {"action": "delete_selected", "_selected_action": [str(secret.pk)], "post": "yes"},
    )
    assert announced == [{"dev:/app", "dev:/shared"}]

    announced.clear()
    editor.post(address("project_delete", secret), {"post": "yes"})
    assert announced == [{"dev:/", "dev:/app", "dev:/shared", "prod:/"}]
    assert not Project.objects.exists()


def test_djangos_own_form_writes_no_secret(editor: Client, secret: Secret) -> None:
    editor.post(address("secret_change", secret), {"key": "HACKED", "sealed_value": "x", "version": "7"})

    secret.refresh_from_db()
    assert (secret.key, secret.version) == ("TOKEN", 2)


def test_lists_take_no_filter_on_sealed_values(editor: Client, secret: Secret) -> None:
    response = editor.get(reverse("admin:vault_secret_changelist"), {"sealed_value__startswith": "ds1"})

    assert response.status_code == 400


def test_makes_a_project_with_environments(editor: Client) -> None:
    response = editor.post(
        reverse("admin:vault_project_add"), {"name": "Shop", "slug": "shop", "environments": "dev, pre-prod"}
    )

    project = Project.objects.get()
    assert response.headers["Location"] == reverse("admin:vault_project_page", args=[project.pk])
    assert [(e.name, e.slug) for e in project.environments.all()] == [("Dev", "dev"), ("Pre prod", "pre-prod")]


@pytest.mark.parametrize("environments", ["", ",", "a b", "dev,dev", "x" * 65])
def test_refuses_environments_at_their_field(editor: Client, environments: str) -> None:
    data = {"name": "Shop", "slug": "shop", "environments": environments}

    response = editor.post(reverse("admin:vault_project_add"), data)

    assert "environments" in response.context["adminform"].form.errors
    assert not Project.objects.exists()


def test_environments_and_folders_by_form(editor: Client, project: Project, dev: Environment, root: Folder) -> None:
    def post(page: str, pk: object, /, **data: str) -> Any:
        return editor.post(reverse(f"admin:vault_{page}", args=[pk]), data)

    post("environment_add", project.pk, name="QA")
    post("environment_edit", dev.pk, name="Develop", slug="develop", position="7")
    assert list(project.environments.values_list("slug", "position")) == [("prod", 2), ("qa", 3), ("develop", 7)]

    post("folder_add", root.pk, path="a/b", description="Deep")
    folder = Folder.objects.get(path="/a/b")
    post("folder_edit", folder.pk, name="c", description="")
    assert Folder.objects.filter(path="/a/c").exists()
    assert "path" in post("folder_add", root.pk, path="a").context["form"].errors
    assert "name" in post("folder_edit", folder.pk, name="a/b").context["form"].errors

    post("folder_delete", folder.pk)
    post("environment_delete", dev.pk)
    assert set(Folder.objects.values_list("environment__slug", "path")) == {("prod", "/"), ("qa", "/")}


def test_a_folder_that_is_imported_says_who_needs_it(editor: Client, secret: Secret, shared: Folder) -> None:
    page = editor.post(reverse("admin:vault_folder_delete", args=[shared.id])).content.decode()

    assert "is imported by dev:/app" in page
    assert Folder.objects.filter(id=shared.id).exists()


def test_imports_by_form(editor: Client, secret: Secret, app: Folder, root: Folder) -> None:
    add = reverse("admin:vault_import_add", args=[app.id])
    assert "source" in editor.post(add, {"source": str(app.id)}).context["form"].errors

    editor.post(add, {"source": str(root.id)})
    last = app.imports.get(source=root)
    editor.post(reverse("admin:vault_import_move", args=[last.id]), {"direction": "up"})
    assert [row.source.path for row in app.imports.all()] == ["/", "/shared"]

    editor.post(reverse("admin:vault_import_delete", args=[last.id]))
    assert app.imports.count() == 1


def test_a_folder_shows_what_its_imports_bring(editor: Client, secret: Secret, app: Folder, shared: Folder) -> None:
    editing.set_secret(shared, "TOKEN", "other", by=ANYBODY)

    page = editor.get(reverse("admin:vault_folder_page", args=[app.id]))

    (row,) = page.context["imports"]
    assert row.keys == [("HOST", False), ("TOKEN", True)]


def test_a_folder_warns_of_references_to_nothing(editor: Client, app: Folder, prod: Environment) -> None:
    editing.set_secrets(app, {"A": CANARY + "${prod.HOST}", "B": "${A}"}, by=ANYBODY)
    url = reverse("admin:vault_folder_page", args=[app.id])

    page = editor.get(url)
    assert [(edge.secret.key, str(edge.reference)) for edge in page.context["broken"]] == [("A", "${prod.HOST}")]
    assert CANARY not in page.content.decode()

    editing.set_secret(prod.folders.get(), "HOST", "x", by=ANYBODY)
    assert editor.get(url).context["broken"] == []


def test_pages_take_a_fixed_number_of_queries(
    editor: Client, secret: Secret, app: Folder, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def measure() -> None:
        for name in ("folder_page", "secret_page", "project_page", "project_changelist", "secret_changelist"):
            with django_assert_max_num_queries(26):  # sync sets read folders too
                editor.get(address(name, secret))

    measure()
    editing.set_secrets(app, {f"KEY_{number}": f"${{TOKEN}}{number}" for number in range(60)}, by=ANYBODY)
    for number in range(20):
        editing.create_folder(app.environment, f"/app/sub{number}", by=ANYBODY)
    measure()


def test_a_long_folder_comes_in_pages_and_can_be_searched(editor: Client, app: Folder) -> None:
    editing.set_secrets(app, {f"KEY_{number}": "x" for number in range(120)}, by=ANYBODY)
    url = reverse("admin:vault_folder_page", args=[app.id])

    first, third = editor.get(url), editor.get(url, {"page": "3"})
    assert len(first.context["secrets"]) == 50
    assert first.context["secrets"].paginator.count == 120
    assert len(third.context["secrets"]) == 20
    keys = [secret.key for number in "123" for secret in editor.get(url, {"page": number}).context["secrets"]]
    assert keys == sorted(f"KEY_{number}" for number in range(120))
    assert len(editor.get(url, {"q": "key_11"}).context["secrets"]) == 11


def test_names_are_escaped(client_of: ClientOf, secret: Secret) -> None:
    evil = "<script>alert(1)</script>"
    editing.update_project(secret.folder.environment.project, name=evil, description=evil, by=ANYBODY)
    editing.update_environment(secret.folder.environment, name=evil, by=ANYBODY)
    editing.update_folder(secret.folder, description=evil, by=ANYBODY)
    editing.update_secret(secret, comment=evil, by=ANYBODY)
    client = client_of("superuser")

    for name in ROUTES:
        assert evil not in client.get(address(name, secret), follow=True).content.decode(), name


def test_dumps_hold_ciphertext_only(secret: Secret) -> None:
    out = io.StringIO()

    call_command("dumpdata", "vault", stdout=out)

    assert secret.sealed_value in out.getvalue()
    assert CANARY not in out.getvalue()


class TestDotenv:
    @pytest.fixture
    def url(self, app: Folder) -> str:
        return reverse("admin:vault_dotenv", args=[app.id])

    def test_shows_what_would_change_and_writes_nothing(self, editor: Client, secret: Secret, url: str) -> None:
        response = editor.post(url, {"text": f"TOKEN={CANARY}-new\nNEW='{CANARY}'\n"})

        preview = response.context["preview"]
        assert (preview.created, preview.changed, preview.unchanged) == (["NEW"], ["TOKEN"], [])
        assert CANARY not in response.content.decode()
        assert Secret.objects.count() == 2

    def test_writes_what_it_showed(self, editor: Client, secret: Secret, url: str, app: Folder) -> None:
        kept = editor.post(url, {"text": f"TOKEN={CANARY}-new\nNEW={CANARY}"}).context["kept"]

        page = editor.post(url, {"kept": kept}, follow=True).content.decode()

        assert "1 added, 1 changed, 0 as before" in page
        assert editing.preview_secrets(app, {"TOKEN": CANARY + "-new", "NEW": CANARY}, by=ANYBODY).unchanged == [
            "TOKEN",
            "NEW",
        ]

    def test_writes_only_the_new_ones_if_asked(self, editor: Client, secret: Secret, url: str, app: Folder) -> None:
        kept = editor.post(url, {"text": f"TOKEN={CANARY}-new\nNEW={CANARY}"}).context["kept"]

        editor.post(url, {"kept": kept, "only": "new"})

        assert editing.preview_secrets(app, {"TOKEN": CANARY, "NEW": CANARY}, by=ANYBODY).unchanged == ["TOKEN", "NEW"]

    def test_takes_a_file(self, editor: Client, url: str) -> None:
        file = io.BytesIO(b"\xef\xbb\xbfA=1\r\nB=2\r\n")

        assert editor.post(url, {"file": file}).context["preview"].created == ["A", "B"]

    def test_names_lines_and_offers_the_rest(self, editor: Client, url: str) -> None:
        response = editor.post(url, {"text": f"A=1\n{CANARY}\nB=2"})

        assert "Line 2: Expected KEY=value." in response.content.decode()
        assert response.context["preview"].created == ["A", "B"]
        assert CANARY not in response.content.decode()

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ({}, "one of the two"),
            ({"text": "# nothing"}, "no KEY=value"),
            ({"text": "A=" + CANARY * 10_000}, "bytes long"),
            ({"text": "A=" + CANARY + "\0"}, "Null characters"),
            ({"text": "A=1\n" * 300_000}, "more than 1 MiB"),
            ({"text": "\n".join(f"A{number}=1" for number in range(2001))}, "at most 2,000"),
            ({"kept": CANARY}, "no longer valid"),
        ],
        ids=["nothing", "no secret", "long value", "NUL", "long text", "many", "forged"],
    )
    def test_refuses(self, editor: Client, app: Folder, url: str, data: dict[str, str], message: str) -> None:
        page = editor.post(url, data).content.decode()

        assert message in page
        assert CANARY not in page
        assert not app.secrets.exists()

    def test_what_is_wrong_with_a_field_stands_at_it(self, editor: Client, url: str) -> None:
        def faults(**data: Any) -> dict[str, list[str]]:
            page = editor.post(url, data)
            assert page.content.decode().count('aria-invalid="true"') == 1
            return dict(page.context["form"].errors)

        text, file = {"text": "A=1"}, SimpleUploadedFile
        assert "one of the two" in faults()["text"][0]
        assert "one of the two" in faults(**text, file=file("a.env", b"A=1"))["text"][0]
        assert "empty" in faults(**text, file=file("a.env", b""))["file"][0]
        assert "more than 1 MiB" in faults(text="A=1\n" * 300_000)["text"][0]
        assert "more than 1 MiB" in faults(file=file("a.env", b"A=1\n" * 300_000))["file"][0]
        assert "not UTF-8" in faults(file=file("a.env", b"A=\xff"))["file"][0]

    def test_a_file_that_is_no_text_is_refused(self, editor: Client, url: str) -> None:
        assert "not UTF-8" in editor.post(url, {"file": io.BytesIO(b"A=\xff")}).content.decode()

    def test_shows_again_what_changed_in_between(self, editor: Client, secret: Secret, url: str, app: Folder) -> None:
        kept = editor.post(url, {"text": "TOKEN=1\nNEW=2"}).context["kept"]
        editing.set_secret(app, "NEW", "theirs", by=ANYBODY)

        response = editor.post(url, {"kept": kept})

        assert "since the last preview" in response.content.decode()
        assert response.context["preview"].changed == ["TOKEN", "NEW"]

    def test_a_preview_is_for_one_person_folder_and_hour(
        self,
        client_of: ClientOf,
        editor: Client,
        url: str,
        shared: Folder,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        kept = editor.post(url, {"text": "NEW=2"}).context["kept"]

        client_of("superuser").post(url, {"kept": kept})
        editor.post(reverse("admin:vault_dotenv", args=[shared.id]), {"kept": kept})
        monkeypatch.setattr("vault.keeping.LASTS_SECONDS", -1)
        old = editor.post(url, {"text": "NEW=2"}).context["kept"]
        editor.post(url, {"kept": old})

        assert not Secret.objects.exists()


def test_values_stay_out_of_logs_sessions_and_history(
    editor: Client, secret: Secret, app: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    dotenv = reverse("admin:vault_dotenv", args=[app.id])
    add = reverse("admin:vault_secret_add_page", args=[app.id])

    editor.post(address("secret_reveal", secret))
    editor.post(add, {"key": "not a key", "value": CANARY})
    editor.post(add, {"key": "A", "value": CANARY})
    editor.post(dotenv, {"kept": editor.post(dotenv, {"text": f"B={CANARY}"}).context["kept"]})
    editor.post(address("secret_edit", secret), {"key": "TOKEN", "value": CANARY + "2", "version": "2"})

    assert Secret.objects.count() == 4
    sessions = [session.get_decoded() for session in Session.objects.all()]
    seen = f"{caplog.text} {caplog.records} {sessions} {list(LogEntry.objects.values())}"
    assert CANARY not in seen
