"""What the preview of a `.env` shows, and what is written after it. See also `test_admin`."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tests.actors import ANYBODY
from vault import editing
from vault.models import Environment, Folder, Secret
from vault.reading import read_secrets

CANARY = "canary-7f3a"
PEM = f"""-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj
{CANARY.replace("-", "")}==
-----END PRIVATE KEY-----
"""


@pytest.fixture
def url(app: Folder) -> str:
    return reverse("admin:vault_dotenv", args=[app.id])


def notes(response: Any, key: str) -> str:
    (row,) = (row for row in response.context["rows"] if row.key == key)
    return f"{row.lines}: {' '.join(row.notes)}"


def test_each_line_shows_what_was_made_of_it(editor: Client, url: str) -> None:
    text = f"P={CANARY} {CANARY} #{CANARY}\nA='{CANARY}\nB={CANARY}\nC='\nexport X={CANARY} Y={CANARY}\nP=“{CANARY}”"

    response = editor.post(url, {"text": text})

    page = response.content.decode()
    assert CANARY not in page
    assert response.context["preview"].created == ["A", "X", "P"]
    assert "P is on line 1 too. This one, the last, counts. The typographic quotes" in notes(response, "P")
    assert "lines 2 to 4: The value goes from line 2 to line 4." in notes(response, "A")
    assert "Is a quote missing?" in page
    assert "second KEY=" in notes(response, "X")
    first = editor.post(url, {"text": f"P={CANARY} {CANARY} #{CANARY}"})
    assert "The text from # on was left out." in notes(first, "P")
    assert CANARY not in first.content.decode()


def test_says_which_lines_become_references_and_where_they_lead(
    editor: Client, dev: Environment, app: Folder, url: str
) -> None:
    editing.set_secret(editing.create_folder(dev, "/common", by=ANYBODY), "KEY", CANARY, by=ANYBODY)
    text = (
        "A=${B}\nB=1\nC=${common.KEY}\nD=${NOPE}\nE='${F} ${@a.b.C}'\nG=\"\\${H}\"\nI=${J:-"
        + CANARY
        + "}\nK=${dev.app.B}"
    )

    response = editor.post(url, {"text": text})

    assert notes(response, "A") == "line 1: Becomes a reference: ${B}."
    assert "Did you mean ${dev.common.KEY}?" in notes(response, "C")
    assert "${NOPE} leads nowhere: there is no secret NOPE in dev:/app." in notes(response, "D")
    assert "stays text" in notes(response, "E")
    assert "stays text" in notes(response, "G")
    assert "${J:-…}" in notes(response, "I")
    assert notes(response, "K") == "line 8: Becomes a reference: ${dev.app.B}."
    assert CANARY not in response.content.decode()


def test_what_is_meant_as_text_is_read_as_text(editor: Client, app: Folder, url: str) -> None:
    text = "PROMPT=\"\\${USER}@host\"\nTPL='Hello ${name}'\nREF=${PROMPT}"

    editor.post(url, {"kept": editor.post(url, {"text": text}).context["kept"]})

    assert {secret.key: secret.value for secret in read_secrets(app)} == {
        "PROMPT": "${USER}@host",
        "TPL": "Hello ${name}",
        "REF": "${USER}@host",
    }


def test_a_private_key_without_quotes_is_one_error(editor: Client, url: str) -> None:
    response = editor.post(url, {"text": PEM})

    page = response.content.decode()
    assert [error.line for error in response.context["line_errors"]] == [1]
    assert "looks like key material" in page
    assert CANARY.replace("-", "") not in page
    assert "MIIEv" not in page
    assert response.context["preview"].created == []


@pytest.mark.parametrize(("text", "name"), [('{"A": "x"}', "JSON"), ("A: x\nB: y", "YAML")])
def test_names_another_format(editor: Client, url: str, text: str, name: str) -> None:
    page = editor.post(url, {"text": text}).content.decode()

    assert f"Line 1: This looks like {name}." in page
    assert "1 line can&#x27;t be read." in page or "1 line can't be read." in page


def test_one_bad_line_keeps_no_other_from_being_added(editor: Client, app: Folder, url: str) -> None:
    text = "A=1\nB=${@other.dev.X}\nC=" + "x" * 65_537 + "\nd41d8cd98f00b204e9800998ecf8427e=\nE=5"

    response = editor.post(url, {"text": text})

    assert [error.line for error in response.context["line_errors"]] == [2, 3, 4]
    assert response.context["preview"].created == ["A", "E"]
    assert (
        "The value of B can&#x27;t be saved: its reference ${@other.dev.X} is to another" in response.content.decode()
    )


def test_a_comment_above_a_key_is_shown_and_saved(editor: Client, app: Folder, url: str) -> None:
    editing.set_secrets(app, {"OLD": "1", "SAME": "1"}, comments={"OLD": "was", "SAME": "is"}, by=ANYBODY)
    text = "# The <shop>'s\n# database\nDB=x\n# now\nOLD=1\nSAME=1"

    response = editor.post(url, {"text": text})
    page = editor.post(url, {"kept": response.context["kept"]}, follow=True).content.decode()

    assert "Comment: The &lt;shop&gt;&#x27;s<br>database" in response.content.decode()
    assert response.context["preview"].commented == ["OLD"]
    assert "1 added, 0 changed, 2 as before" in page
    assert dict(Secret.objects.values_list("key", "comment")) == {
        "DB": "The <shop>'s\ndatabase",
        "OLD": "now",
        "SAME": "is",
    }


def test_a_comment_alone_can_be_changed(editor: Client, app: Folder, url: str) -> None:
    editing.set_secret(app, "A", "1", comment="was", by=ANYBODY)

    response = editor.post(url, {"text": "# now\nA=1"})

    assert "Change 1 comment<" in response.content.decode()
    editor.post(url, {"kept": response.context["kept"]})
    assert (Secret.objects.get().comment, Secret.objects.get().version) == ("now", 1)


def test_a_secret_without_references_stays_so(editor: Client, app: Folder, url: str) -> None:
    editing.set_secret(app, "T", "${a}", is_literal=True, by=ANYBODY)

    unchanged = editor.post(url, {"text": "T='${a}'"})
    assert unchanged.context["preview"].unchanged == ["T"]

    response = editor.post(url, {"text": "T='${b} $${c}'"})
    assert "References are turned off" in notes(response, "T")
    editor.post(url, {"kept": response.context["kept"]})
    assert (read_secrets(app)[0].value, Secret.objects.get().is_literal) == ("${b} $${c}", True)


def test_whoever_may_not_read_values_is_not_told_which_they_guessed(app: Folder, url: str, client: Client) -> None:
    editing.set_secrets(app, {"PIN": "1234", "OTHER": "5678"}, comments={"PIN": "was"}, by=ANYBODY)
    writer = User.objects.create_user("writer", is_staff=True)
    rights = ["view_folder", "view_secret", "add_secret", "change_secret"]
    writer.user_permissions.set(Permission.objects.filter(content_type__app_label="vault", codename__in=rights))
    client.force_login(writer, backend="django.contrib.auth.backends.ModelBackend")

    pages = [client.post(url, {"text": f"# now\nPIN={pin}\nNEW=1"}) for pin in ("1234", "4711")]

    assert [page.context["preview"].changed for page in pages] == [["PIN"], ["PIN"]]
    assert [page.context["preview"].unchanged for page in pages] == [[], []]
    assert pages[0].context["rows"] == pages[1].context["rows"]
    assert not any("as before" in page.content.decode() for page in pages)
    told = client.post(url, {"kept": pages[0].context["kept"]}, follow=True).content.decode()
    assert "1 added, 1 set" in told


def test_the_shape_of_each_value_is_told_and_no_value(editor: Client, app: Folder, url: str) -> None:
    editing.set_secret(app, "LITERAL", "x", is_literal=True, by=ANYBODY)
    long = "v" * 1704
    text = "\n".join(
        [
            "EMPTY=",
            "ONE=x",
            f"LONG={long}",
            'KEY="a',
            "b",
            'c"',
            "CUT=value # and more",
            "DEAD=${NOWHERE}",
            "LITERAL=${NOWHERE} # cut",
        ]
    )

    answer = editor.post(url, {"text": text})

    assert {row.key: row.shape for row in answer.context["rows"]} == {
        "EMPTY": ("empty",),
        "ONE": ("1 character",),
        "LONG": ("1,704 characters",),
        "KEY": ("3 lines", "5 characters"),
        "CUT": ("5 characters", "the text after # is cut off"),
        "DEAD": ("10 characters", "refers to nothing"),
        "LITERAL": ("10 characters", "the text after # is cut off"),
    }
    page = answer.content.decode()
    assert all(f'<span class="ds-tag">{word}</span>' in page for word in ("empty", "3 lines", "1,704 characters"))
    assert long not in page


def test_of_equal_keys_all_lines_are_named_and_the_last_counts(editor: Client, url: str) -> None:
    answer = editor.post(url, {"text": "A=1\nB=2\nA=33\n\nA=4444"})

    (row,) = (row for row in answer.context["rows"] if row.key == "A")
    assert (row.lines, row.shape) == ("line 5", ("4 characters",))
    assert "A is on lines 1 and 3 too. This one, the last, counts." in row.notes
