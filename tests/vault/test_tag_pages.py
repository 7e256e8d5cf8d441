"""The tags of a project: what carries them, their other names, and their end."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.actors import ANYBODY
from tests.vault.conftest import ClientOf
from vault import editing
from vault.access.models import Membership
from vault.models import Folder, Project, Secret, Tag


def url(page: str, row: Project | Tag) -> str:
    return reverse(f"admin:vault_{page}", args=[row.pk])


@pytest.fixture
def tag(app: Folder, shared: Folder) -> Tag:
    """On a secret of each of two folders."""
    for folder in (app, shared):
        secret = editing.set_secret(folder, "TOKEN", "canary-7f3a", by=ANYBODY)
        editing.change_tags(app.environment.project, [secret], add=["core"], remove=[], by=ANYBODY)
    return Tag.objects.get()


def counted(answer: Any) -> dict[str, int]:
    return {tag.slug: tag.secret_count for tag in answer.context["tags"]}


def test_counts_the_secrets_that_one_sees(editor: Client, client_of: ClientOf, app: Folder, tag: Tag) -> None:
    page = editor.get(url("tags", tag.project))
    assert counted(page) == {"core": 2}
    assert "audit/entry" not in page.text
    assert f"/admin/audit/entry/?object_id={tag.pk}" in client_of("superuser").get(url("tags", tag.project)).text

    limited = client_of("staff")
    user_id = limited.session["_auth_user_id"]
    Membership.objects.create(project=tag.project, user_id=user_id, role="editor", paths=[app.path])

    assert counted(limited.get(url("tags", tag.project))) == {"core": 1}
    assert limited.post(url("tag_delete", tag)).status_code == limited.post(url("tag_edit", tag)).status_code == 403


def test_gives_a_tag_another_name(editor: Client, tag: Tag) -> None:
    taken = editing.create_tag(tag.project, "taken", by=ANYBODY)
    refused = editor.post(url("tag_edit", tag), {"slug": taken.slug})
    assert "already" in str(refused.context["form"].errors["slug"])

    assert editor.post(url("tag_edit", tag), {"slug": "of-core"}).headers["Location"] == url("tags", tag.project)

    assert set(Secret.objects.values_list("tags__slug", flat=True)) == {"of-core"}


def test_deletes_a_tag_and_no_secret(editor: Client, tag: Tag) -> None:
    asked = editor.get(url("tag_delete", tag))
    assert "2 secrets carry it and stay, without it." in asked.text
    assert "This cannot be undone" in asked.text

    assert editor.post(url("tag_delete", tag)).status_code == 302

    assert not Tag.objects.exists()
    assert Secret.objects.count() == 2


def test_a_project_without_tags_says_how_one_comes_about(editor: Client, app: Folder) -> None:
    assert "press “Tag”" in editor.get(url("tags", app.environment.project)).text
