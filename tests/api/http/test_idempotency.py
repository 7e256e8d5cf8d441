"""`Idempotency-Key`: done once, answered alike, and never somebody else's."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from accounts.roles import EDITOR
from api.http import idempotency
from api.http.idempotency import KEPT_FOR, UNDER_WAY, clean_keys
from api.models import IdempotencyKey
from tests.api.conftest import Caller, make_caller, make_user
from vault.models import Project

PROJECTS = "/api/v1/projects"
BODY = {"projectName": "Once"}


def age(by: timedelta, **fields: Any) -> None:
    IdempotencyKey.objects.update(created_at=timezone.now() - by, **fields)


def test_a_repeat_says_that_it_is_one(editor: Caller) -> None:
    first = editor.send("POST", PROJECTS, BODY, Idempotency_Key="k")
    again = editor.send("POST", PROJECTS, BODY, Idempotency_Key="k")

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Content-Type"].startswith("application/json")


def test_without_a_key_everything_is_done_each_time(editor: Caller) -> None:
    editor.post(PROJECTS, BODY)
    editor.post(PROJECTS, BODY, status=400)
    editor.post(PROJECTS, {"projectName": "Other"}, Idempotency_Key="  ")

    assert not IdempotencyKey.objects.exists()


DIFFERENT: list[Any] = [
    pytest.param(PROJECTS, {"projectName": "Other"}, id="another body"),
    pytest.param(PROJECTS, BODY | {"slug": "x"}, id="a body with more in it"),
    pytest.param(f"{PROJECTS}?x=1", BODY, id="another query"),
    pytest.param("/api/v2/workspace", BODY, id="another route for the same"),
]


@pytest.mark.parametrize(("path", "body"), DIFFERENT)
def test_a_key_is_for_one_request(editor: Caller, path: str, body: dict[str, str]) -> None:
    editor.post(PROJECTS, BODY, Idempotency_Key="k")

    refused = editor.post(path, body, status=422, Idempotency_Key="k")

    assert "another request" in refused["message"][0]["message"]
    assert Project.objects.count() == 1


def test_a_request_that_was_refused_may_be_sent_again(editor: Caller) -> None:
    editor.post(PROJECTS, {"projectName": ""}, status=422, Idempotency_Key="k")
    assert not IdempotencyKey.objects.exists()

    editor.post(PROJECTS, BODY, Idempotency_Key="k")


def test_a_request_that_broke_may_be_sent_again(editor: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("api.resources.projects.router.note_added", lambda *args: 1 / 0)
        editor.post(PROJECTS, BODY, status=500, Idempotency_Key="k")

    assert editor.post(PROJECTS, BODY, Idempotency_Key="k")["project"]["name"] == "Once"


def test_everybody_has_keys_of_their_own(editor: Caller) -> None:
    other = make_caller(make_user("other-editor", EDITOR))
    editor.post(PROJECTS, BODY, Idempotency_Key="k")

    other.post(PROJECTS, {"projectName": "Theirs"}, Idempotency_Key="k")

    assert Project.objects.count() == 2


def test_two_tokens_of_one_person_share_them(editor: Caller) -> None:
    first = editor.post(PROJECTS, BODY, Idempotency_Key="k")

    assert make_caller(User.objects.get(username="editor")).post(PROJECTS, BODY, Idempotency_Key="k") == first


def test_while_the_first_is_under_way_the_second_waits(editor: Caller) -> None:
    editor.post(PROJECTS, BODY, Idempotency_Key="k")
    age(timedelta(seconds=1), sealed_answer="")

    assert "under way" in editor.post(PROJECTS, BODY, status=409, Idempotency_Key="k")["message"]
    assert Project.objects.count() == 1


def test_what_a_process_that_died_began_is_done_anew(editor: Caller) -> None:
    editor.post(PROJECTS, BODY, Idempotency_Key="k")
    Project.objects.all().delete()
    age(UNDER_WAY + timedelta(seconds=1), sealed_answer="")

    editor.post(PROJECTS, BODY, Idempotency_Key="k")

    assert Project.objects.count() == 1


def test_an_answer_is_kept_for_a_day_and_no_longer(editor: Caller) -> None:
    editor.post(PROJECTS, BODY, Idempotency_Key="k")
    age(KEPT_FOR - timedelta(minutes=1))
    editor.post(PROJECTS, BODY, Idempotency_Key="k")

    age(KEPT_FOR + timedelta(minutes=1))
    editor.post(PROJECTS, BODY, status=400, Idempotency_Key="k")

    assert Project.objects.count() == 1


def test_old_answers_are_cleaned_up(editor: Caller) -> None:
    editor.post(PROJECTS, BODY, Idempotency_Key="old")
    age(KEPT_FOR + timedelta(minutes=1))
    editor.post(PROJECTS, {"projectName": "New"}, Idempotency_Key="new")

    clean_keys()

    assert [row.key for row in IdempotencyKey.objects.all()] == ["new"]


@pytest.mark.parametrize("key", ["k" * 256, "a\x7fb", "a\x01b"])
def test_a_key_that_is_none_is_refused_before_anything_is_done(editor: Caller, key: str) -> None:
    editor.post(PROJECTS, BODY, status=422, Idempotency_Key=key)

    assert not Project.objects.exists()


def test_the_longest_key_is_one(editor: Caller) -> None:
    editor.post(PROJECTS, BODY, Idempotency_Key="k" * 255)

    assert editor.send("POST", PROJECTS, BODY, Idempotency_Key="k" * 255).headers["Idempotent-Replayed"] == "true"


def test_who_lost_the_right_meanwhile_gets_no_answer_from_before(editor: Caller) -> None:
    editor.post(PROJECTS, BODY, Idempotency_Key="k")
    User.objects.get(username="editor").groups.clear()

    editor.post(PROJECTS, BODY, status=403, Idempotency_Key="k")


def test_a_row_that_goes_while_it_is_looked_for_is_a_conflict(editor: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    editor.post(PROJECTS, BODY, Idempotency_Key="k")
    real = idempotency._fingerprint

    def forget(request: Any, **kwargs: Any) -> str:
        text = real(request, **kwargs)
        monkeypatch.setattr(idempotency, "_fingerprint", real)
        monkeypatch.setattr(IdempotencyKey.objects, "filter", lambda *args, **kwargs: IdempotencyKey.objects.none())
        return text

    monkeypatch.setattr(idempotency, "_fingerprint", forget)

    assert "Send it again" in editor.post(PROJECTS, BODY, status=409, Idempotency_Key="k")["message"]
