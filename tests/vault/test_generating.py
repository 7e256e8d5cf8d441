"""Values that are made: of which signs, how long, and that nobody sees them before or after they are saved."""

import re
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from tests.actors import ANYBODY
from vault import editing
from vault.generating import ALPHABETS, KINDS, LONGEST, SHORTEST, generate
from vault.models import Folder, Secret
from vault.references import find_lookalikes, find_references
from vault.values import open_value

MAKE = {"generate": "yes", "kind": "password", "length": "40", "alphabet": "symbols"}


def url(name: str, row: Any) -> str:
    return reverse(f"admin:vault_{name}", args=[row.pk])


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("length", [SHORTEST, 41])
def test_a_password_has_a_sign_of_each_set_and_no_other(alphabet: str, length: int) -> None:
    sets = ALPHABETS[alphabet][1]

    made = generate("password", length=length, alphabet=alphabet)

    assert len(made) == length
    assert set(made) <= set("".join(sets))
    assert all(set(signs) & set(made) for signs in sets)


@pytest.mark.parametrize(("kind", "signs"), [("token", r"[A-Za-z0-9_-]"), ("hex", r"[0-9a-f]")])
@pytest.mark.parametrize("length", [SHORTEST, 33, LONGEST])
def test_the_others_have_their_own_signs(kind: str, signs: str, length: int) -> None:
    assert re.fullmatch(f"{signs}{{{length}}}", generate(kind, length=length, alphabet="plain"))


def test_a_uuid_is_a_random_one() -> None:
    assert UUID(generate("uuid", length=8, alphabet="plain")).version == 4


def test_no_sign_has_a_meaning_elsewhere() -> None:
    every = "".join(signs for _, sets in ALPHABETS.values() for signs in sets)

    assert not set(every) & set("${}\"'`\\#= \n")
    assert find_references(every) == []
    assert find_lookalikes(every) == []


@pytest.mark.parametrize("kind", KINDS)
def test_two_are_never_the_same(kind: str) -> None:
    assert generate(kind, length=32, alphabet="plain") != generate(kind, length=32, alphabet="plain")


def test_what_is_made_is_saved_and_was_not_seen(editor: Client, app: Folder) -> None:
    sent = {"key": "NEW", "value": "", "comment": "for people", "tags": "payments", "is_literal": "on"}

    page = editor.post(url("secret_add_page", app), sent | MAKE)

    form = page.context["form"]
    assert not app.secrets.exists()
    assert "A password of 40 characters was made." in page.content.decode()
    typed = {name: form[name].value() for name in ("key", "comment", "tags", "is_literal")}
    assert typed == {"key": "NEW", "comment": "for people", "tags": "payments", "is_literal": True}
    saved = editor.post(url("secret_add_page", app), sent | {"kept": form.initial["kept"]})
    value = open_value(app.secrets.select_related("folder__environment").get())
    assert re.fullmatch(r"\S{40}", value)
    assert value not in page.content.decode() + saved.content.decode()


def test_an_empty_form_says_nothing_of_its_other_fields_yet(editor: Client, app: Folder) -> None:
    page = editor.post(url("secret_add_page", app), MAKE).content.decode()

    assert "This field is required" not in page


def test_an_edit_takes_what_was_made(editor: Client, app: Folder) -> None:
    secret = editing.set_secret(app, "TOKEN", "one", by=ANYBODY)

    page = editor.post(url("secret_edit", secret), {"key": "TOKEN", "version": "1"} | MAKE | {"kind": "uuid"})

    form = page.context["form"]
    assert "A UUID was made." in page.content.decode()
    sent = {"key": "TOKEN", "version": str(form["version"].value()), "value": "", "kept": form.initial["kept"]}
    editor.post(url("secret_edit", secret), sent)
    row = Secret.objects.select_related("folder__environment").get()
    assert UUID(open_value(row)).version == 4


@pytest.mark.parametrize("wrong", [{"length": "7"}, {"length": "4097"}, {"kind": "poem"}, {"alphabet": "runes"}])
def test_what_can_not_be_made_is_said_and_nothing_typed_is_lost(
    editor: Client, app: Folder, wrong: dict[str, str]
) -> None:
    page = editor.post(url("secret_add_page", app), {"key": "NEW", "value": "typed"} | MAKE | wrong)

    assert page.context["maker"].errors
    assert "is kept, sealed" in page.content.decode()
    kept = page.context["form"].initial["kept"]
    editor.post(url("secret_add_page", app), {"key": "NEW", "value": "", "kept": kept})
    assert open_value(app.secrets.select_related("folder__environment").get()) == "typed"


def test_another_can_be_added_at_once(editor: Client, app: Folder) -> None:
    sent = {"key": "NEW", "value": "1", "another": "yes"}

    answer = editor.post(url("secret_add_page", app), sent, follow=True)

    assert answer.request["PATH_INFO"] == url("secret_add_page", app)
    assert "Added NEW." in answer.content.decode()
    assert answer.context["form"]["key"].value() is None
