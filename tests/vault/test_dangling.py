"""References that an edit would leave leading nowhere are told before it is made, where no sync reads them too."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.actors import ANYBODY
from vault import editing
from vault.effects import foresee_all
from vault.models import Environment, Folder, Project, Secret
from vault.trash import in_trash

pytestmark = pytest.mark.django_db
CANARY = "canary-dangling-3f"


@pytest.fixture
def referring(project: Project) -> Folder:
    """`/app` refers to a secret beside it, and to one of `/shared`; `/importer` to what it imports from there."""
    dev = project.environments.get(slug="dev")
    shared, app = (editing.create_folder(dev, path, by=ANYBODY) for path in ("/shared", "/app"))
    importer = editing.create_folder(dev, "/importer", by=ANYBODY)
    editing.set_secrets(shared, {"HOST": CANARY}, by=ANYBODY)
    editing.set_secrets(app, {"NAME": "1", "URL": "${NAME}", "FAR": "${dev.shared.HOST}"}, by=ANYBODY)
    editing.add_import(importer, shared, by=ANYBODY)
    editing.set_secrets(importer, {"OWN": "${HOST}"}, by=ANYBODY)
    return Folder.objects.select_related("environment__project").get(pk=app.pk)


def at(path: str, environment: str = "dev") -> Folder:
    rows = Folder.objects.select_related("environment__project")
    return rows.get(environment__slug=environment, path=path)


def of(slug: str) -> Environment:
    return Environment.objects.select_related("project").get(slug=slug)


def restore_what_referred() -> None:
    editing.restore(in_trash().get(name="URL"), by=ANYBODY)


def copy_some() -> None:
    editing.copy_secrets(at("/app"), ["URL", "FAR"], of("prod"), "/there", replaces=False, by=ANYBODY)


def move_some() -> None:
    editing.move_secrets(at("/app"), ["NAME"], of("dev"), "/there", carries_references=False, by=ANYBODY)


def remove_import() -> None:
    editing.delete_import(at("/importer").imports.get(), by=ANYBODY)


EDITS: dict[str, tuple[Callable[[], object], set[tuple[str, str, str]]]] = {
    "a copy": (copy_some, {("URL", "prod:/there", "${NAME}")}),
    "a copied folder": (
        lambda: editing.copy_folder(at("/importer"), of("prod"), "/", by=ANYBODY),
        set(),
    ),
    "a move": (move_some, {("URL", "dev:/app", "${NAME}")}),
    "a moved folder": (
        lambda: editing.move_folder(at("/shared"), of("dev"), "/app", carries_references=False, by=ANYBODY),
        {("FAR", "dev:/app", "${dev.shared.HOST}")},
    ),
    "a renamed folder": (
        lambda: editing.update_folder(at("/shared"), name="common", by=ANYBODY),
        {("FAR", "dev:/app", "${dev.shared.HOST}")},
    ),
    "a renamed environment": (
        lambda: editing.update_environment(of("dev"), slug="development", by=ANYBODY),
        {("FAR", "development:/app", "${dev.shared.HOST}")},
    ),
    "a renamed secret": (
        lambda: editing.rename_secret(at("/app").secrets.get(key="NAME"), "OTHER", by=ANYBODY),
        {("URL", "dev:/app", "${NAME}")},
    ),
    "a deleted secret": (
        lambda: editing.delete_secret(at("/shared").secrets.get(key="HOST"), by=ANYBODY),
        {("FAR", "dev:/app", "${dev.shared.HOST}"), ("OWN", "dev:/importer", "${HOST}")},
    ),
    "an import removed": (remove_import, {("OWN", "dev:/importer", "${HOST}")}),
    "a deleted environment": (lambda: editing.delete_environment(of("dev"), by=ANYBODY), set()),
    "new values": (
        lambda: editing.set_secrets(at("/app"), {"NEW": "${NOWHERE}", "FINE": "${NAME}"}, by=ANYBODY),
        {("NEW", "dev:/app", "${NOWHERE}")},
    ),
    "nothing of the kind": (lambda: editing.set_secrets(at("/app"), {"NAME": "2"}, by=ANYBODY), set()),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_tells_what_it_would_cut(referring: Folder, name: str) -> None:
    edit, cut = EDITS[name]
    before = list(Secret.objects.order_by("pk").values_list("pk", "key", "version"))

    found = foresee_all(edit, compares_values=True).dangling

    assert {(one.key, one.where, one.reference) for one in found} == cut
    assert list(Secret.objects.order_by("pk").values_list("pk", "key", "version")) == before


def test_an_environment_that_others_refer_to_tells_of_them(referring: Folder) -> None:
    editing.set_secrets(at("/", "prod"), {"ACROSS": "${dev.shared.HOST}"}, by=ANYBODY)
    editing.delete_import(at("/importer").imports.get(), by=ANYBODY)

    (one,) = foresee_all(lambda: editing.delete_environment(of("dev"), by=ANYBODY), compares_values=True).dangling

    assert (one.key, one.where) == ("ACROSS", "prod:/")


def test_what_comes_back_from_the_trash_tells_what_it_lacks(referring: Folder) -> None:
    editing.delete_secret(referring.secrets.get(key="URL"), by=ANYBODY)
    assert foresee_all(restore_what_referred, compares_values=True).dangling == []
    editing.delete_secret(referring.secrets.get(key="NAME"), by=ANYBODY)

    (one,) = foresee_all(restore_what_referred, compares_values=True).dangling

    assert (one.key, one.reference) == ("URL", "${NAME}")


def test_what_leads_nowhere_already_is_no_news(referring: Folder) -> None:
    editing.set_secrets(referring, {"DEAD": "${NOWHERE}"}, by=ANYBODY)
    editing.set_secrets(referring, {"DEAD": "${NOWHERE} still"}, by=ANYBODY)

    for edit in (
        lambda: editing.set_secrets(at("/app"), {"DEAD": "${NOWHERE} again"}, by=ANYBODY),
        lambda: editing.update_folder(at("/app"), name="renamed", by=ANYBODY),
    ):
        assert foresee_all(edit, compares_values=True).dangling == []


@pytest.fixture
def browser(client: Client, admin_user: User, referring: Folder) -> Client:
    client.force_login(admin_user)
    return client


def told(client: Client, page: str, pk: object, **sent: object) -> str:
    url = reverse(f"admin:vault_{page}", args=[pk])
    return " ".join(client.post(url, sent).content.decode().split())


def test_each_page_asks_first(browser: Client, referring: Folder) -> None:
    to = {"environment": of("prod").pk, "path": "/there"}
    pages = {
        "copy": told(browser, "secrets_copy", referring.pk, key=["URL"], **to),
        "import": told(browser, "import_delete", at("/importer").imports.get().pk),
        "folder": told(browser, "folder_edit", at("/shared").pk, name="common"),
        "environment": told(browser, "environment_edit", of("dev").pk, name="Dev", slug="development"),
        "dotenv": told(browser, "dotenv", referring.pk, text="NEW=${NOWHERE}"),
    }

    assert {name for name, text in pages.items() if "These references would lead nowhere" in text} == set(pages)
    assert not any(CANARY in text for text in pages.values())
    assert at("/importer").imports.exists()


def test_what_was_seen_is_done(browser: Client, referring: Folder) -> None:
    row = at("/importer").imports.get()
    page = told(browser, "import_delete", row.pk)

    told(browser, "import_delete", row.pk, seen=page.split('name="seen" value="')[1].split('"')[0])

    assert not at("/importer").imports.exists()
