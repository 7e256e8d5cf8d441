"""A secret gets another key: who refers to it is named, and can follow. No value may lead back to itself."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.actors import ANYBODY
from vault import editing
from vault.errors import EditingError, Invalid
from vault.models import Environment, Folder, Secret
from vault.reading import read_secrets
from vault.references import Reference, rewrite
from vault.referrers import find_referrers
from vault.values import open_value

CANARY = "canary-carrying-9d2e"


def secret(folder: Folder, key: str) -> Secret:
    return folder.secrets.select_related("folder__environment__project").get(key=key)


def raw(folder: Folder, key: str) -> str:
    return open_value(secret(folder, key))


def rename(folder: Folder, old: str, new: str, **options: Any) -> Secret:
    return editing.update_secret(secret(folder, old), key=new, carries_references=True, by=ANYBODY, **options)


# Who refers to it

WAYS = {
    "its own folder": ("dev:/app", "x${TOKEN}"),
    "its place, from its own folder": ("dev:/app", "${dev.app.TOKEN}y"),
    "its place, from another folder": ("dev:/shared", "${dev.app.TOKEN}"),
    "its place, from another environment": ("prod:/", "${dev.app.TOKEN}"),
    "an import of its folder": ("dev:/", "${TOKEN}"),
    "the place of an import": ("dev:/shared", "${dev.TOKEN}"),
}


@pytest.fixture
def folders(dev: Environment, prod: Environment, root: Folder, app: Folder, shared: Folder) -> dict[str, Folder]:
    """The root of dev imports /app, which has the TOKEN."""
    editing.set_secret(app, "TOKEN", CANARY, by=ANYBODY)
    editing.add_import(root, app, by=ANYBODY)
    return {"dev:/app": app, "dev:/shared": shared, "dev:/": root, "prod:/": prod.folders.get(path="/")}


@pytest.mark.parametrize(("place", "value"), WAYS.values(), ids=WAYS.keys())
def test_a_referrer_is_found_and_follows(folders: dict[str, Folder], app: Folder, place: str, value: str) -> None:
    editing.set_secret(folders[place], "USER", value, by=ANYBODY)

    assert [str(other) for other in find_referrers(secret(app, "TOKEN"))] == ["USER"]
    rename(app, "TOKEN", "NEW_TOKEN")

    assert raw(folders[place], "USER") == value.replace("TOKEN", "NEW_TOKEN")
    read = {one.key: one.value for one in read_secrets(folders[place])}
    assert CANARY in read["USER"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param("dev:/shared", "${TOKEN}", id="a key of another folder"),
        pytest.param("dev:/shared", "${prod.app.TOKEN}", id="another environment"),
        pytest.param("dev:/app", "$${TOKEN}", id="an escaped one"),
        pytest.param("dev:/app", "${TOKEN_2}", id="a longer key"),
        pytest.param("dev:/app", "TOKEN", id="its name as text"),
    ],
)
def test_what_means_something_else_stays(folders: dict[str, Folder], app: Folder, place: str, value: str) -> None:
    editing.set_secret(folders[place], "USER", value, by=ANYBODY)

    assert find_referrers(secret(app, "TOKEN")) == []
    rename(app, "TOKEN", "NEW_TOKEN")

    assert (raw(folders[place], "USER"), secret(folders[place], "USER").version) == (value, 1)


def test_a_literal_value_does_not_refer(folders: dict[str, Folder], app: Folder) -> None:
    editing.set_secret(app, "USER", "${TOKEN}", is_literal=True, by=ANYBODY)

    rename(app, "TOKEN", "NEW_TOKEN")

    assert raw(app, "USER") == "${TOKEN}"


def test_a_secret_that_hides_it_is_not_it(folders: dict[str, Folder], root: Folder, app: Folder) -> None:
    editing.set_secrets(root, {"TOKEN": "own", "USER": "${TOKEN}"}, by=ANYBODY)

    assert find_referrers(secret(app, "TOKEN")) == []


def test_without_the_wish_nothing_follows(folders: dict[str, Folder], app: Folder) -> None:
    editing.set_secret(app, "USER", "${TOKEN}", by=ANYBODY)

    editing.rename_secret(secret(app, "TOKEN"), "NEW_TOKEN", by=ANYBODY)

    assert raw(app, "USER") == "${TOKEN}"


def test_all_of_one_value_follow_and_are_one_version(folders: dict[str, Folder], app: Folder) -> None:
    editing.set_secret(app, "USER", "${TOKEN}-$${TOKEN}-${dev.app.TOKEN}-$$${TOKEN}", by=ANYBODY)

    rename(app, "TOKEN", "T2")

    assert raw(app, "USER") == "${T2}-$${TOKEN}-${dev.app.T2}-$$${T2}"
    assert secret(app, "USER").version == 2
    assert {edge.key for edge in secret(app, "USER").references.all()} == {"T2"}


def test_a_new_value_and_the_references_come_together(folders: dict[str, Folder], app: Folder) -> None:
    editing.set_secret(app, "USER", "${TOKEN}", by=ANYBODY)

    rename(app, "TOKEN", "T2", value="other")

    assert {one.key: one.value for one in read_secrets(app)} == {"T2": "other", "USER": "other"}


@pytest.mark.parametrize("new", ["db.host", "a.b.c"])
def test_a_key_that_a_place_cannot_name_is_refused(folders: dict[str, Folder], app: Folder, new: str) -> None:
    editing.set_secret(app, "USER", "${dev.app.TOKEN}", by=ANYBODY)

    with pytest.raises(Invalid, match="would be something else there") as caught:
        rename(app, "TOKEN", new)

    assert caught.value.field == "key"
    assert secret(app, "TOKEN").version == 1
    assert raw(app, "USER") == "${dev.app.TOKEN}"


def test_a_key_that_another_secret_has_there_is_refused(folders: dict[str, Folder], root: Folder, app: Folder) -> None:
    editing.set_secrets(root, {"T2": "own", "USER": "${TOKEN}"}, by=ANYBODY)

    with pytest.raises(Invalid, match="would be something else there"):
        rename(app, "TOKEN", "T2")

    assert raw(root, "USER") == "${TOKEN}"


def test_readers_of_the_referrers_are_told(
    folders: dict[str, Folder], app: Folder, shared: Folder, announced: list[set[str]]
) -> None:
    editing.set_secret(shared, "USER", "${dev.app.TOKEN}", by=ANYBODY)
    announced.clear()

    rename(app, "TOKEN", "T2")

    assert announced == [{"dev:/", "dev:/app", "dev:/shared"}]


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("${A}", "${B}"),
        ("$$${A} $${A} $$$${A}", "$$${B} $${A} $$$${A}"),
        ("${A:-x} ${A", "${A:-x} ${A"),
        ("", ""),
    ],
)
def test_rewrites_what_expands_alone(text: str, rewritten: str) -> None:
    assert rewrite(text, lambda found: Reference("B") if found == Reference("A") else None) == rewritten


# Circles

CIRCLES = {
    "itself": [{"SELF": "${SELF}"}],
    "itself by its place": [{"SELF": "x${dev.app.SELF}"}],
    "two at once": [{"A": "${B}", "B": "${A}"}],
    "two, one after the other": [{"A": "${B}"}, {"B": "x${A}"}],
    "three": [{"A": "${B}"}, {"B": "${C}"}, {"C": "${A}"}],
    "by an import": [{"A": "${dev.A}"}],
    "a key with dots": [{"a.b": "${a.b}"}],
}


@pytest.mark.parametrize("steps", CIRCLES.values(), ids=CIRCLES.keys())
def test_a_circle_is_refused_where_it_would_close(
    folders: dict[str, Folder], app: Folder, steps: list[dict[str, str]]
) -> None:
    *before, last = steps
    for values in before:
        editing.set_secrets(app, values, by=ANYBODY)
    held = {row.key: open_value(row) for row in app.secrets.all()}

    with pytest.raises(Invalid, match=r"would refer to itself: .+ → ") as caught:
        editing.set_secrets(app, last, refuses_circles=True, by=ANYBODY)

    assert caught.value.field == "value"
    assert {row.key: open_value(row) for row in app.secrets.all()} == held


def test_changing_one_to_close_it_is_refused_too(app: Folder) -> None:
    editing.set_secrets(app, {"A": "${B}", "B": "1"}, by=ANYBODY)

    with pytest.raises(Invalid, match="B would refer to itself: B → A → B"):
        editing.update_secret(secret(app, "B"), value="${A}", refuses_circles=True, by=ANYBODY)


@pytest.mark.parametrize(
    "values",
    [
        {"A": "${B}${B}", "B": "1"},
        {"A": "${B}${C}", "B": "${D}", "C": "${D}", "D": "1"},
        {"A": "$${A}"},
        {"A": "${A_2}", "A_2": "1"},
    ],
)
def test_what_is_no_circle_is_saved(app: Folder, values: dict[str, str]) -> None:
    editing.set_secrets(app, values, refuses_circles=True, by=ANYBODY)

    assert {row.key for row in app.secrets.all()} == set(values)


def test_a_literal_value_closes_no_circle(app: Folder) -> None:
    editing.set_secret(app, "SELF", "${SELF}", is_literal=True, by=ANYBODY)

    with pytest.raises(EditingError, match="would refer to itself"):
        editing.update_secret(secret(app, "SELF"), is_literal=False, refuses_circles=True, by=ANYBODY)


# The page


def edit(client: Client, row: Secret, **data: str) -> Any:
    return client.post(reverse("admin:vault_secret_edit", args=[row.pk]), {"version": str(row.version), **data})


def test_the_page_asks_what_becomes_of_the_references(editor: Client, app: Folder) -> None:
    editing.set_secrets(app, {"TOKEN": CANARY, "USER": "${TOKEN}"}, by=ANYBODY)

    page = edit(editor, secret(app, "TOKEN"), key="T2")

    text = " ".join(page.content.decode().split())
    assert "These secrets refer to it by its present key" in text
    assert "<code>USER</code> in dev:/app" in text
    assert "Change the references too" in text
    assert "Nothing has been saved yet." in text
    assert CANARY not in text
    assert secret(app, "TOKEN").version == 1


@pytest.mark.parametrize(("chosen", "value"), [("carry", "${T2}"), ("leave", "${TOKEN}")])
def test_the_answer_is_what_is_done(editor: Client, app: Folder, chosen: str, value: str) -> None:
    editing.set_secrets(app, {"TOKEN": "1", "USER": "${TOKEN}"}, by=ANYBODY)
    seen = edit(editor, secret(app, "TOKEN"), key="T2").context["question"].seen

    assert edit(editor, secret(app, "TOKEN"), key="T2", seen=seen, references=chosen).status_code == 302

    assert raw(app, "USER") == value
    assert secret(app, "T2").version == 1


def test_a_value_typed_before_the_question_outlives_it(editor: Client, app: Folder) -> None:
    editing.set_secrets(app, {"TOKEN": "1", "USER": "${TOKEN}"}, by=ANYBODY)
    page = edit(editor, secret(app, "TOKEN"), key="T2", value=CANARY)
    kept, seen = page.context["form"]["kept"].value(), page.context["question"].seen

    edit(editor, secret(app, "TOKEN"), key="T2", kept=kept, seen=seen, references="carry")

    assert raw(app, "T2") == CANARY


def test_a_rename_that_nobody_minds_is_made_at_once(editor: Client, app: Folder) -> None:
    editing.set_secret(app, "TOKEN", "1", by=ANYBODY)

    assert edit(editor, secret(app, "TOKEN"), key="T2").status_code == 302
    assert app.secrets.filter(key="T2").exists()


def test_a_circle_is_refused_at_the_value(editor: Client, app: Folder) -> None:
    page = editor.post(reverse("admin:vault_secret_add_page", args=[app.id]), {"key": "SELF", "value": "${SELF}"})

    assert page.context["form"].errors["value"] == [
        "SELF would refer to itself: SELF → SELF. Change one of these references."
    ]
    assert not app.secrets.exists()


def test_a_circle_in_a_dotenv_text_writes_nothing(editor: Client, app: Folder) -> None:
    url = reverse("admin:vault_dotenv", args=[app.id])
    preview = editor.post(url, {"text": "A=${B}\nB=${A}\nC=1"})

    page = editor.post(url, {"kept": preview.context["kept"]})

    assert "A would refer to itself: A → B → A" in page.content.decode()
    assert not app.secrets.exists()


def test_the_folder_points_out_each_circle_once(editor: Client, app: Folder) -> None:
    """A script wrote it, or a rename brought it about."""
    editing.set_secrets(app, {"A": "${B}", "B": "${C}", "C": "${A}", "SELF": "${SELF}", "D": "${A}"}, by=ANYBODY)

    page = editor.get(reverse("admin:vault_folder_page", args=[app.id]))

    assert sorted(page.context["circles"]) == ["A → B → C → A", "SELF → SELF"]
    assert "2 values lead back to themselves" in page.content.decode()


def test_a_folder_without_circles_says_nothing_of_them(editor: Client, app: Folder) -> None:
    editing.set_secrets(app, {"A": "${B}", "B": "1"}, by=ANYBODY)

    assert "back to" not in editor.get(reverse("admin:vault_folder_page", args=[app.id])).content.decode()
