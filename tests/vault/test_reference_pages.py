"""What the forms and pages say of references and comments."""

from django.test import Client
from django.urls import reverse

from tests.actors import ANYBODY
from tests.vault.conftest import ClientOf
from vault import editing
from vault.models import Environment, Folder, Secret
from vault.reading import read_secrets

CANARY = "canary-7f3a"


def add(client: Client, folder: Folder, **data: str) -> str:
    response = client.post(reverse("admin:vault_secret_add_page", args=[folder.id]), data, follow=True)
    return " ".join(response.content.decode().split())


def page_of(client: Client, secret: Secret) -> str:
    response = client.get(reverse("admin:vault_secret_page", args=[secret.id]))
    return " ".join(response.content.decode().split())


def test_refuses_at_the_value_what_can_never_be_resolved(editor: Client, root: Folder) -> None:
    page = add(editor, root, key="A", value=CANARY + "${@shared.prod.X}")

    assert "its reference ${@shared.prod.X} is to another project" in page
    assert CANARY not in page
    assert not Secret.objects.exists()


def test_points_out_what_looks_like_a_reference(client_of: ClientOf, root: Folder) -> None:
    shown = add(client_of("editor"), root, key="A", value="${DB_USER:-" + CANARY + "}:$${DB_PASS} ${ KEY }")

    for page in (shown, page_of(client_of("viewer"), Secret.objects.get())):
        assert "looks like a reference but isn't one" in page
        assert "<code>${DB_USER:-…}</code>, <code>${ KEY }</code>" in page
        assert CANARY not in page


def test_points_out_what_only_a_key_could_be_and_is_none(editor: Client, root: Folder) -> None:
    long = "${" + "e" * 65 + ".K}"

    assert f"<code>{long}</code>" in add(editor, root, key="A", value=long)
    assert f"<code>{long}</code>" in page_of(editor, Secret.objects.get())
    editing.set_secret(root, "e" * 65 + ".K", "1", by=ANYBODY)
    assert "looks like a reference but isn't one" not in page_of(editor, Secret.objects.get(key="A"))


def test_points_out_what_leads_to_nothing_and_what_was_meant(
    client_of: ClientOf, dev: Environment, root: Folder
) -> None:
    editing.set_secret(editing.create_folder(dev, "/common", by=ANYBODY), "MY_SECRET", CANARY, by=ANYBODY)
    shown = add(client_of("editor"), root, key="A", value="${common.MY_SECRET}")

    for page in (shown, page_of(client_of("viewer"), Secret.objects.get(key="A"))):
        assert "<code>${common.MY_SECRET}</code>, but there is no folder common:/." in page
        assert "Did you mean ${dev.common.MY_SECRET}?" in page


def test_a_key_with_dots_is_used_and_said_to_be(editor: Client, root: Folder) -> None:
    editing.set_secrets(root, {"db.host": "h", "URL": "${db.host}"}, by=ANYBODY)

    page = page_of(editor, Secret.objects.get(key="db.host"))

    assert "Used by" in page
    assert "<code>URL</code>" in page
    assert "lead" not in add(editor, root, key="B", value="1")


def test_the_switch_is_set_shown_and_taken_back(editor: Client, root: Folder) -> None:
    add(editor, root, key="T", value="${host} ${@a.b.C}", is_literal="on")
    secret = Secret.objects.get()
    url = reverse("admin:vault_secret_edit", args=[secret.id])

    assert read_secrets(root)[0].value == "${host} ${@a.b.C}"
    assert "None: the value is taken as it is" in page_of(editor, secret)
    assert editor.get(url).context["form"]["is_literal"].value() is True

    refused = editor.post(url, {"key": "T", "value": "", "version": "1"}).content.decode()
    assert "to another project" in refused
    editor.post(url, {"key": "T", "value": "${T2}", "version": "1"})
    secret.refresh_from_db()
    assert (secret.version, secret.is_literal, secret.references.get().key) == (2, False, "T2")


def test_lines_of_a_comment_outlive_the_form(editor: Client, root: Folder) -> None:
    secret = editing.set_secret(root, "A", "1", comment="one\ntwo", by=ANYBODY)
    url = reverse("admin:vault_secret_edit", args=[secret.id])

    form = editor.get(url).content.decode()
    editor.post(url, {"key": "A", "value": "", "comment": "one\r\ntwo\r\n" + "x" * 1992, "version": "1"})

    assert ">\none\ntwo</textarea>" in form
    assert Secret.objects.get().comment == "one\ntwo\n" + "x" * 1992


def test_a_name_that_looks_like_key_material_is_refused(editor: Client, root: Folder) -> None:
    page = add(editor, root, key="MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj", value="=")

    assert "This name looks like key material" in page
    assert not Secret.objects.exists()
