"""The ways to a value on the pages: as stored, as Devin gets it, to be copied, and in the form to edit it."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from tests.actors import ANYBODY
from tests.vault.test_page_permissions import person
from vault import editing
from vault.models import Folder, Secret
from vault.values import open_value

VALUE = "canary-7f3a"


@pytest.fixture
def secret(app: Folder) -> Secret:
    return editing.set_secret(app, "TOKEN", VALUE, by=ANYBODY)


def url(name: str, row: Any) -> str:
    return reverse(f"admin:vault_{name}", args=[row.pk])


def value_of(secret: Secret) -> tuple[int, str]:
    row = Secret.objects.select_related("folder__environment").get(pk=secret.pk)
    return row.version, open_value(row)


class Shown(HTMLParser):
    """The text of the element with the value, as a browser's parser leaves it: without its first line's end."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.is_in = "", False
        self.feed(page)
        self.text = self.text.removeprefix("\n")

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.is_in = dict(attrs).get("id") == "revealed-value"

    def handle_endtag(self, tag: str) -> None:
        self.is_in = False

    def handle_data(self, data: str) -> None:
        self.text += data if self.is_in else ""


@pytest.mark.parametrize("value", ["x", "\n x \n", "a\r\nb\r", "<b>&amp;</b>", " "])
def test_a_value_is_in_the_page_as_it_is(editor: Client, app: Folder, value: str) -> None:
    secret = editing.set_secret(app, "A", value, by=ANYBODY)

    answer = editor.post(url("secret_reveal", secret))

    assert Shown(answer.content.decode()).text == value
    assert answer["Cache-Control"] == "no-store"


def test_a_copy_is_in_the_page_and_not_to_be_seen(editor: Client, secret: Secret) -> None:
    page = editor.post(url("secret_reveal", secret), {"copy": "yes"}).content.decode()

    assert '<pre class="ds-pre ds-value" id="revealed-value" hidden>' in page
    assert Shown(page).text == VALUE


def test_devin_gets_it_with_what_it_refers_to(editor: Client, app: Folder, shared: Folder, prod: Any) -> None:
    production = editing.create_folder(prod, "/db", by=ANYBODY)
    editing.set_secrets(production, {"PASSWORD": "pw"}, by=ANYBODY)
    editing.set_secrets(shared, {"HOST": "db-${NUMBER}", "NUMBER": "7"}, by=ANYBODY)
    editing.add_import(app, shared, by=ANYBODY)
    editing.set_secrets(app, {"USER": "me", "URL": "${USER}:${prod.db.PASSWORD}@${HOST}$${x}"}, by=ANYBODY)
    secret = app.secrets.get(key="URL")

    answer = editor.post(url("secret_resolve", secret))

    page = answer.content.decode()
    assert Shown(page).text == "me:pw@db-7${x}"
    assert [str(part) for part in answer.context["parts"]] == ["USER", "HOST", "NUMBER", "PASSWORD"]
    assert answer["Cache-Control"] == "no-store"
    said = {(line.object_repr, line.change_message) for line in LogEntry.objects.all()}
    assert said == {
        (
            "URL",
            "Revealed the value of version 1 as a reader gets it, with the values of USER in dev:/app, "
            "HOST in dev:/shared, NUMBER in dev:/shared, PASSWORD in prod:/db.",
        ),
        *((key, "Revealed its value within URL of dev:/app.") for key in ("USER", "HOST", "NUMBER", "PASSWORD")),
    }
    assert Entry.objects.filter(detail__startswith="Revealed").count() == 5


def test_what_devin_can_not_get_says_why_and_shows_nothing(editor: Client, app: Folder) -> None:
    editing.set_secrets(app, {"A": f"{VALUE}${{NONE}}", "B": f"{VALUE}${{C}}", "C": "${B}"}, by=ANYBODY)

    for key, said in (("A", "refers to ${NONE}"), ("B", "refers to itself")):
        page = editor.post(url("secret_resolve", app.secrets.get(key=key)), follow=True).content.decode()
        assert said in page
        assert VALUE not in page
    assert not LogEntry.objects.exists()


def test_text_that_looks_like_a_reference_is_text(editor: Client, app: Folder) -> None:
    secret = editing.set_secret(app, "A", "${B}", is_literal=True, by=ANYBODY)
    editing.set_secret(app, "B", VALUE, by=ANYBODY)

    answer = editor.post(url("secret_resolve", secret))

    assert (Shown(answer.content.decode()).text, answer.context["parts"]) == ("${B}", [])


def test_reveal_and_edit_fills_the_form(editor: Client, app: Folder) -> None:
    secret = editing.set_secret(app, "A", f"{VALUE}\n${{TOKEN}}<", by=ANYBODY)

    answer = editor.post(url("secret_reveal_edit", secret))

    page = answer.content.decode()
    assert f"\n{VALUE}\n${{TOKEN}}&lt;</textarea>" in page
    assert f'action="{url("secret_edit", secret)}"' in page
    assert answer["Cache-Control"] == "no-store"


def edited(client: Client, secret: Secret, **given: str) -> Any:
    return client.post(url("secret_edit", secret), {"key": "TOKEN", "version": "1", "is_shown": "yes", **given})


def test_what_is_left_in_the_form_is_saved_also_nothing(editor: Client, secret: Secret) -> None:
    edited(editor, secret, value=VALUE)
    assert value_of(secret) == (1, VALUE)

    edited(editor, secret, value="")
    assert value_of(secret) == (2, "")


def test_after_an_error_an_empty_field_keeps_what_was_typed(editor: Client, secret: Secret) -> None:
    page = edited(editor, secret, key="no key", value="typed")

    form = page.context["form"]
    assert "typed" not in page.content.decode()
    again = {"is_shown": form.data["is_shown"], "kept": form.data["kept"], "value": ""}
    assert again["is_shown"] == ""
    edited(editor, secret, **again)
    assert value_of(secret) == (2, "typed")


def test_a_kept_value_that_is_too_old_leaves_the_value_as_it_was(editor: Client, secret: Secret) -> None:
    edited(editor, secret, key="TOKEN", value="", is_shown="", kept="stale")

    assert value_of(secret) == (1, VALUE)


def test_what_a_form_would_change_is_not_put_into_one(editor: Client, app: Folder) -> None:
    secret = editing.set_secret(app, "A", f"{VALUE}\r\nb", by=ANYBODY)

    page = editor.post(url("secret_reveal_edit", secret), follow=True).content.decode()

    assert "carriage returns" in page
    assert VALUE not in page


def test_a_page_for_editing_alone_never_has_the_value(secret: Secret) -> None:
    client = person("writer", {"view_secret", "change_secret"})

    for answer in (
        client.get(url("secret_edit", secret)),
        client.get(url("secret_page", secret)),
        edited(client, secret, key="no key", value="x"),
        *(client.post(url(name, secret)) for name in ("secret_reveal_edit", "secret_resolve", "secret_reveal")),
    ):
        assert VALUE not in answer.content.decode()
    assert not LogEntry.objects.exists()
