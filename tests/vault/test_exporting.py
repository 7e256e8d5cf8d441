"""A folder leaves as a file: whole, as a reader of it would read it, to whoever may read values, and noted."""

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from common.dotenv_text import Line, write
from tests.actors import ANYBODY
from tests.vault.conftest import ClientOf
from tests.vault.test_dotenv_roundtrip import KEYS, SAMPLES, VALUES, meant
from vault import editing
from vault.dotenv import parse
from vault.models import Folder

CANARY = "canary-export-4b1d"


@pytest.fixture
def filled(app: Folder, shared: Folder) -> Folder:
    editing.set_secrets(shared, {"HOST": CANARY, "PORT": "1"}, by=ANYBODY)
    values = {"URL": "x://${dev.shared.HOST}/'\"\n", "TEMPLATE": "${URL}", "PORT": "2"}
    editing.set_secrets(app, values, comments={"PORT": "Of the\nservice"}, literal={"TEMPLATE": True}, by=ANYBODY)
    editing.add_import(app, shared, by=ANYBODY)
    return app


def send(client: Client, folder: Folder, **data: str) -> Any:
    return client.post(reverse("admin:vault_folder_export", args=[folder.pk]), data)


RESOLVED = {"HOST": CANARY, "PORT": "2", "TEMPLATE": "${URL}", "URL": f"x://{CANARY}/'\"\n"}
STORED = {"PORT": "2", "TEMPLATE": "${URL}", "URL": "x://${dev.shared.HOST}/'\"\n"}


def test_json_as_devin_gets_it_and_as_it_is_stored(editor: Client, filled: Folder) -> None:
    assert json.loads(send(editor, filled, format="json", values="resolved").content) == RESOLVED
    assert json.loads(send(editor, filled, format="json", values="stored").content) == STORED


def test_a_dotenv_is_read_again_as_what_it_was(editor: Client, filled: Folder) -> None:
    resolved = send(editor, filled, format="dotenv", values="resolved").content.decode()
    stored = send(editor, filled, format="dotenv", values="stored").content.decode()

    assert meant(resolved) == RESOLVED
    parsed = parse(stored)
    assert parsed.errors == []
    assert parsed.values == STORED | {"TEMPLATE": "$${URL}"}
    assert parsed.entries["PORT"].comment == "Of the\nservice"


@pytest.mark.parametrize("value", SAMPLES.values(), ids=SAMPLES.keys())
def test_any_text_is_written_as_it_is(value: str) -> None:
    assert meant(write([Line("A", value, is_text=True), Line("B", "2", is_text=True)])) == {"A": value, "B": "2"}


@settings(max_examples=200)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), st.booleans())
def test_any_values_come_back(values: dict[str, str], is_text: bool) -> None:
    text = write([Line(key, value, is_text=is_text, comment="For people\n= \n") for key, value in values.items()])

    assert (meant(text) if is_text else parse(text).values) == values


def test_it_is_a_file_that_nobody_keeps(editor: Client, filled: Folder) -> None:
    response = send(editor, filled, format="dotenv", values="resolved")

    assert response["Content-Disposition"] == 'attachment; filename="shop-dev-app.env"'
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Type"].startswith("text/plain")
    assert CANARY in response.content.decode()


def test_the_log_says_who_took_what_and_no_value(editor: Client, filled: Folder) -> None:
    send(editor, filled, format="dotenv", values="stored")

    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id) == ("editor", str(filled.pk))
    assert entry.change_message == "Exported the values of 3 secrets as .env, as they are stored."


def test_a_folder_that_cannot_be_read_whole_is_not_exported(editor: Client, filled: Folder) -> None:
    editing.delete_secret(Folder.objects.get(path="/shared").secrets.get(key="HOST"), by=ANYBODY)

    page = send(editor, filled, format="json", values="resolved")

    assert "Nothing was exported." in page.content.decode()
    assert "Content-Disposition" not in page
    assert not LogEntry.objects.exists()
    assert json.loads(send(editor, filled, format="json", values="stored").content) == STORED


def test_the_way_there_is_shown_to_whoever_may_read_values(client_of: ClientOf, editor: Client, filled: Folder) -> None:
    address = reverse("admin:vault_folder_export", args=[filled.pk])
    page = reverse("admin:vault_folder_page", args=[filled.pk])

    assert address in editor.get(page).content.decode()
    assert address not in client_of("viewer").get(page).content.decode()
    assert CANARY not in editor.get(address).content.decode()
