"""What the log tells of values that were read by API, and for how long."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.models import ApiToken, ReadNote
from api.resources.reads import clean_log, clean_notes
from common.cleaning import cleaning
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from vault.editing import set_secret
from vault.models import Folder

V4 = "/api/v4/secrets"
LIST = "Read the values of 2 secrets through the API with API token tests."
ONE = "Read the value through the API with API token tests."


@pytest.fixture
def query(folder: Folder) -> str:
    return f"projectId={folder.environment.project_id}&environment=dev&secretPath=/my-secrets"


def told() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


def a_minute_later() -> None:
    ReadNote.objects.update(noted_at=timezone.now() - timedelta(seconds=61))


@pytest.mark.postgresql
def test_a_minute_of_reading_is_one_line(editor: Caller, query: str) -> None:
    for _ in range(50):
        editor.get(f"{V4}?{query}")
    assert told() == [LIST]

    a_minute_later()
    for _ in range(5):
        editor.get(f"{V4}?{query}")
    assert told() == [LIST, LIST]


def test_a_read_that_is_noted_already_writes_nothing(editor: Caller, query: str) -> None:
    editor.get(f"{V4}?{query}")

    with CaptureQueriesContext(connection) as queries:
        editor.get(f"{V4}?{query}")

    assert [each["sql"] for each in queries if not each["sql"].startswith("SELECT")] == []


def test_an_answer_with_what_was_not_sent_is_a_read(editor: Caller, folder: Folder) -> None:
    place = {"projectId": str(folder.environment.project_id), "environment": "dev", "secretPath": "/my-secrets"}

    editor.patch(f"{V4}/DB_URL", place)
    editor.patch(f"{V4}/DB_URL", {**place, "secretValue": "mine"})
    editor.delete(f"{V4}/DB_URL", place)

    by = "through the API with API token tests."
    assert told() == [f"Changed, and read the value {by}", f"Changed {by}", f"Deleted, and read the value {by}"]


def test_tokens_and_places_are_told_apart(editor: Caller, query: str, folder: Folder) -> None:
    other = Caller(ApiToken.issue(User.objects.get(username="editor"), "other")[1])

    for _ in range(3):
        editor.get(f"{V4}/DB_URL?{query}")
        editor.get(f"{V4}/API_KEY?{query}")
        editor.get(f"{V4}/API_KEY?{query}&version=1")
        editor.get(f"{V4}?{query}")
        other.get(f"{V4}?{query}")

    assert sorted(told()) == sorted(
        [ONE, ONE, LIST, LIST.replace("tests.", "other."), ONE.replace("value", "value of version 1")]
    )
    set_secret(folder, "NEW", "1", by=ANYBODY)
    editor.get(f"{V4}?{query}")
    assert told()[-1] == LIST.replace("2", "3")


def test_masked_values_are_not_noted(editor: Caller, query: str) -> None:
    editor.get(f"{V4}?{query}&viewSecretValue=false")

    assert told() == []


@pytest.mark.postgresql
def test_lines_on_reading_go_after_their_time_and_others_stay(
    editor: Caller, query: str, folder: Folder, settings: LazySettings
) -> None:
    editor.get(f"{V4}?{query}")
    editor.get(f"{V4}/DB_URL?{query}")
    user = User.objects.get(username="editor")
    for message in ("Revealed the value of version 1.", "Changed", "read the value"):
        LogEntry.objects.log_actions(user.pk, [folder], 2, change_message=message, single_object=True)
    settings.READ_LOG_KEPT = timedelta(days=90)
    LogEntry.objects.exclude(change_message=ONE).update(action_time=timezone.now() - timedelta(days=91))

    assert clean_log() is False

    assert told() == [ONE, "Revealed the value of version 1.", "Changed", "read the value"]
    assert {"notes of reading", "the log of reading"} <= set(cleaning())


def test_lines_on_reading_can_be_kept_for_ever(editor: Caller, query: str, settings: LazySettings) -> None:
    editor.get(f"{V4}?{query}")
    LogEntry.objects.update(action_time=timezone.now() - timedelta(days=9999))
    settings.READ_LOG_KEPT = timedelta(0)

    clean_log()

    assert told() == [LIST]


def test_what_remembers_a_minute_goes_with_it(editor: Caller, query: str) -> None:
    editor.get(f"{V4}?{query}")
    clean_notes()
    assert ReadNote.objects.count() == 1

    a_minute_later()
    clean_notes()
    assert not ReadNote.objects.exists()
