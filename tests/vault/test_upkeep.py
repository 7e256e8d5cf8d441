"""Owners, rotation and tags of secrets: what counts as a rotation, who sees what is due, how a folder is filtered."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from syncs.choices import Status
from tests.actors import ANYBODY, writer
from tests.vault.conftest import ClientOf
from tests.vault.test_page_permissions import person
from vault import editing
from vault.editing import Upkeep
from vault.models import Folder, Secret, Tag
from vault.rotation import Rotation, first_due, is_met

LONG_AGO, FAR = date(2001, 1, 1), date(2999, 1, 1)


@pytest.fixture
def secret(app: Folder) -> Secret:
    return editing.set_secret(app, "TOKEN", "one", by=ANYBODY)


def now(secret: Secret) -> Secret:
    return Secret.objects.get(pk=secret.pk)


def url(name: str, row: Any) -> str:
    return reverse(f"admin:vault_{name}", args=[row.pk])


def form(**given: str) -> dict[str, str]:
    return {"key": "TOKEN", "value": "", "version": "1", "comment": "", **given}


@pytest.mark.parametrize(
    ("every_days", "rotate_by", "expected"),
    [
        (None, None, None),
        (0, None, None),
        (30, None, date(2026, 1, 31)),
        (30, date(2026, 1, 5), date(2026, 1, 5)),
        (30, FAR, date(2026, 1, 31)),
        (None, FAR, FAR),
    ],
)
def test_the_earlier_day_counts(every_days: int | None, rotate_by: date | None, expected: date | None) -> None:
    assert first_due(rotated_on=date(2026, 1, 1), every_days=every_days, rotate_by=rotate_by) == expected


def test_a_date_is_met_by_a_value_of_the_two_weeks_before_it_or_later() -> None:
    day = date(2026, 6, 15)

    assert [is_met(day, on=day + timedelta(days=days)) for days in (-15, -14, 0, 40)] == [False, True, True, True]
    assert not is_met(None, on=day)


def test_says_in_words_how_long() -> None:
    assert [Rotation(day).words for day in (None, FAR)] == ["", ""]
    assert Rotation(LONG_AGO).words.startswith("Rotation overdue for ")
    assert Rotation(timezone.localdate() + timedelta(days=5)).words.startswith("Rotation due in ")


def test_a_new_value_is_the_rotation(secret: Secret) -> None:
    editing.set_upkeep(secret, Upkeep(rotate_by=LONG_AGO), by=ANYBODY)
    assert now(secret).due_on == LONG_AGO

    editing.set_secret(secret.folder, "TOKEN", "two", by=ANYBODY)

    assert (now(secret).rotate_by, now(secret).due_on) == (None, None)


def test_a_day_that_is_far_stays_when_a_value_is_corrected(secret: Secret) -> None:
    editing.set_upkeep(secret, Upkeep(rotate_by=FAR), by=ANYBODY)

    editing.update_secret(secret, value="two", by=ANYBODY)

    assert now(secret).due_on == FAR


def test_days_run_from_the_newest_value(secret: Secret) -> None:
    editing.set_upkeep(secret, Upkeep(every_days=10), by=ANYBODY)
    Secret.objects.filter(pk=secret.pk).update(rotated_on=LONG_AGO, due_on=LONG_AGO)

    editing.set_secret(secret.folder, "TOKEN", "two", by=ANYBODY)

    row = now(secret)
    assert row.rotated_on is not None
    assert row.due_on == row.rotated_on + timedelta(days=10) > LONG_AGO


def test_what_is_no_new_value_is_no_rotation(secret: Secret) -> None:
    editing.set_secret(secret.folder, "TOKEN", "two", by=ANYBODY)
    other = editing.set_secret(secret.folder, "OTHER", "${TOKEN}", by=ANYBODY)
    for row in (secret, other):
        editing.set_upkeep(row, Upkeep(rotate_by=LONG_AGO), by=ANYBODY)

    editing.restore_version(now(secret), 1, by=ANYBODY)
    editing.update_secret(now(secret), key="RENAMED", comment="for people", carries_references=True, by=ANYBODY)
    editing.update_secret(now(secret), is_literal=True, by=ANYBODY)

    assert (now(secret).version, now(other).version) == (4, 2)
    assert (now(secret).due_on, now(other).due_on) == (LONG_AGO, LONG_AGO)


def test_a_guess_looks_like_any_other_value_to_whoever_may_not_read_it(secret: Secret, alice: User) -> None:
    """Else the due date would tell whether it was right."""
    other = editing.set_secret(secret.folder, "OTHER", "two", by=ANYBODY)
    for row in (secret, other):
        editing.set_upkeep(row, Upkeep(rotate_by=LONG_AGO), by=ANYBODY)

    editing.set_secrets(secret.folder, {"TOKEN": "one", "OTHER": "one"}, by=writer(alice))

    assert now(secret).due_on == now(other).due_on is None


def test_a_reminder_of_the_api_is_due_too(secret: Secret) -> None:
    Secret.objects.filter(pk=secret.pk).update(rotated_on=LONG_AGO)

    editing.set_labels(secret.folder.environment.project_id, {now(secret): editing.Labels(reminder_days=7)}, by=ANYBODY)

    assert now(secret).due_on == LONG_AGO + timedelta(days=7)


def test_the_form_keeps_owner_rotation_and_tags(editor: Client, secret: Secret) -> None:
    sent = form(
        tags="Payments, third-party, payments", owner="ops@example.com", rotate_by="2999-01-01", rotate_days="90"
    )

    assert editor.post(url("secret_edit", secret), sent).status_code == 302

    assert Upkeep.of(now(secret)) == Upkeep("ops@example.com", FAR, 90, ("payments", "third-party"))
    assert now(secret).version == 1
    page = editor.get(url("secret_page", secret)).content.decode()
    assert all(text in page for text in ("ops@example.com", "every 90 days", "payments", "third-party"))
    filled = editor.get(url("secret_edit", secret)).content.decode()
    assert all(text in filled for text in ('value="payments, third-party"', 'value="2999-01-01"', 'value="90"'))


def test_the_form_empties_them_again(editor: Client, secret: Secret) -> None:
    editing.set_upkeep(secret, Upkeep("alice", FAR, 90, ("payments",)), by=ANYBODY)

    editor.post(url("secret_edit", secret), form())

    assert (Upkeep.of(now(secret)), now(secret).due_on) == (Upkeep(), None)


def test_a_new_value_in_the_form_meets_the_date_that_stood_there(editor: Client, secret: Secret) -> None:
    editing.set_upkeep(secret, Upkeep(rotate_by=LONG_AGO), by=ANYBODY)

    editor.post(url("secret_edit", secret), form(value="two", rotate_by=LONG_AGO.isoformat(), owner="alice"))

    assert (now(secret).owner, now(secret).due_on) == ("alice", None)


def test_a_new_secret_has_them_too(editor: Client, app: Folder) -> None:
    editor.post(
        url("secret_add_page", app), {"key": "NEW", "value": "1", "tags": "payments", "rotate_by": "2999-01-01"}
    )

    assert Upkeep.of(app.secrets.get()) == Upkeep(rotate_by=FAR, tags=("payments",))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tags": "not a tag"}, "can&#x27;t be a tag"),
        ({"tags": "x" * 65}, "the limit is 64"),
        ({"owner": "o" * 255}, "at most 254"),
        ({"owner": "a\u202eb"}, "turn round"),
        ({"rotate_by": "soon"}, "valid date"),
        ({"rotate_days": "0"}, "greater than or equal to 1"),
        ({"rotate_days": "99999999999"}, "less than or equal to"),
    ],
)
def test_says_at_the_field_what_is_wrong(editor: Client, secret: Secret, given: dict[str, str], said: str) -> None:
    page = editor.post(url("secret_edit", secret), form(value="typed", **given)).content.decode()

    assert said in page
    assert '<details class="ds-details" open>' in page
    assert "is kept, sealed" in page
    assert Upkeep.of(now(secret)) == Upkeep()


def test_new_tags_take_the_right_to_add_them(secret: Secret) -> None:
    client = person("tagger", {"view_secret", "change_secret"})
    editing.create_tag(secret.folder.environment.project, "known", by=ANYBODY)

    refused = client.post(url("secret_edit", secret), form(tags="known, fresh"))
    assert "There is no tag fresh yet" in refused.content.decode()
    assert client.post(url("secret_edit", secret), form(tags="known")).status_code == 302
    assert Upkeep.of(now(secret)).tags == ("known",)
    assert list(Tag.objects.values_list("slug", flat=True)) == ["known"]


def test_a_copy_is_as_old_as_what_it_is_of(secret: Secret, shared: Folder) -> None:
    editing.set_upkeep(secret, Upkeep("alice", rotate_by=LONG_AGO, tags=("payments",)), by=ANYBODY)
    Secret.objects.filter(pk=secret.pk).update(rotated_on=LONG_AGO)

    editing.copy_secrets(secret.folder, ["TOKEN"], shared.environment, shared.path, replaces=False, by=ANYBODY)

    copied = shared.secrets.get()
    assert Upkeep.of(copied) == Upkeep("alice", LONG_AGO, None, ("payments",))
    assert (copied.rotated_on, copied.due_on) == (LONG_AGO, LONG_AGO)


def test_a_folder_shows_those_with_a_tag_or_due(editor: Client, app: Folder) -> None:
    secrets = {key: editing.set_secret(app, key, "x", by=ANYBODY) for key in ("A", "B", "C")}
    editing.set_upkeep(secrets["A"], Upkeep(tags=("payments",), rotate_by=FAR), by=ANYBODY)
    editing.set_upkeep(secrets["B"], Upkeep(tags=("payments", "other"), rotate_by=LONG_AGO), by=ANYBODY)

    def keys(**query: str) -> list[str]:
        return [secret.key for secret in editor.get(url("folder_page", app), query).context["secrets"]]

    assert keys() == ["A", "B", "C"]
    assert keys(show="tag:payments") == ["A", "B"]
    assert keys(show="tag:payments", q="b") == ["B"]
    assert keys(show="tag:none") == []
    assert keys(show="due") == ["B"]
    page = editor.get(url("folder_page", app)).content.decode()
    assert "Rotation overdue for" in page
    assert "Rotation due (1)" in page
    assert f"{url('folder_page', app)}?show=tag:other" in page


def test_tags_of_another_project_do_not_mix(editor: Client, secret: Secret) -> None:
    other = editing.create_project(name="Other", environments=[("Dev", "dev")], by=ANYBODY)
    editing.create_tag(other, "payments", by=ANYBODY)

    editing.set_upkeep(secret, Upkeep(tags=("payments",)), by=ANYBODY)

    assert secret.tags.get().project == secret.folder.environment.project
    assert "In use: payments" in editor.get(url("secret_edit", secret)).content.decode()


def test_the_overview_names_what_is_due_to_whoever_may_see_secrets(
    client_of: ClientOf, add_sync: Callable[..., Any]
) -> None:
    secret = editing.set_secret(add_sync("billing", Status.SUCCEEDED).folder, "TOKEN", "x", by=ANYBODY)
    editing.set_upkeep(secret, Upkeep(owner="alice", rotate_by=LONG_AGO), by=ANYBODY)
    address = reverse("admin:index")

    for role in ("viewer", "editor"):
        page = client_of(role).get(address).content.decode()
        assert url("secret_page", secret) in page
        assert "Ask alice." in page

    stranger = User.objects.create_user("stranger", is_staff=True)
    stranger.user_permissions.add(Permission.objects.get(codename="view_devinsync"))
    client = client_of("anonymous")
    client.force_login(stranger, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(address).content.decode()
    assert "billing" in page
    assert "TOKEN" not in page


def test_the_overview_counts_all_and_leads_to_them(editor: Client, app: Folder) -> None:
    for number in range(8):
        row = editing.set_secret(app, f"KEY_{number}", "x", by=ANYBODY)
        editing.set_upkeep(row, Upkeep(rotate_by=LONG_AGO), by=ANYBODY)
    attention = editor.get(reverse("admin:index")).context["overview"].attention

    assert (attention.count, len(attention.rows)) == (8, 6)
    assert len(editor.get(attention.all_secrets_url).context["cl"].queryset) == 8
