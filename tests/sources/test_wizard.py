"""The wizard and the edit form with a source that is elsewhere: asked live, patiently, and forgiven when it is slow."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from common import clock
from connections.models import Connection
from sandbox.organization import Organization
from sources.choosing import PATIENCE, Listing
from sources.errors import Unavailable
from sources.models import LinkedProject, ListedFolders
from sources.protocol import FolderEntry
from sources.registry import remote_kinds
from sources.sharing import share
from sources.words import UNTOLD
from syncs.admin.form_fields import PathField
from syncs.choices import Status
from syncs.models import DevinSync, SyncRun
from syncs.runs import jobs
from tests.sources.memory import PROJECT_ID, Shelf
from tests.syncs.conftest import ORG
from tests.syncs.reviewing import answer_review
from tests.syncs.wizard_walk import posted_options, step_url
from vault.access.models import Membership
from vault.models import Project

NO_TAGS = "The secrets of Memory carry no tags to choose by."
SLOW = Unavailable("The shelf did not answer in time. Try again in a moment.")


@dataclass
class Walk:
    client: Client
    connection: Connection
    source: dict[str, str] = field(
        default_factory=lambda: {"project": PROJECT_ID, "environment": "dev", "folder": "/app"}
    )

    def post(self, step: str, entries: dict[str, Any], **buttons: str) -> Any:
        return self.client.post(step_url(step), {f"{step}-{name}": each for name, each in entries.items()} | buttons)

    def to_review(self) -> Any:
        self.client.get(reverse("admin:syncs_devinsync_add"), {"restart": "1"})
        for step, entries in (
            ("source", self.source),
            ("destination", {"connection": self.connection.pk, "org_id": ORG}),
            ("options", posted_options(DevinSync(key_schema="PROD_{{secretKey}}"))),
            ("details", {"name": "from-the-shelf", "is_enabled": "on"}),
        ):
            answer = self.post(step, entries)
            assert answer.status_code == 302, answer.context["form"].errors
        return self.client.get(step_url("review"))

    def create(self) -> Any:
        page = self.to_review()
        plan = {"draft": page.context["draft_id"], "review-plan": page.context["digest"]}
        return self.client.post(step_url("review"), plan)


@pytest.fixture
def walk(shelf_project: Project, connection: Connection, rung: list[str], admin_client: Client) -> Walk:
    return Walk(admin_client, connection)


def forget(*models: Any) -> None:
    """What was told a moment ago was told long ago."""
    for model in models:
        model.objects.update(listed_at=clock.now() - timedelta(days=1))


def test_a_source_without_tags_says_so_at_the_fields_that_choose_by_them(walk: Walk) -> None:
    walk.to_review()

    form = walk.post("options", posted_options(DevinSync(only_tags="devin"))).context["form"]

    assert form.errors == {"only_tags": [f"{NO_TAGS} Leave this empty, and choose by keys."]}
    assert form.fields["only_tags"].help_text == form.fields["except_tags"].help_text == NO_TAGS


def test_what_a_source_says_is_no_markup(shelf: Shelf, walk: Walk) -> None:
    walk.create()
    forget(LinkedProject, ListedFolders)
    shelf.says = Unavailable('Could not list <meta http-equiv="refresh"> there.')
    settings = reverse("admin:syncs_devinsync_settings", args=[DevinSync.objects.get().pk])

    for page in (settings, f"{reverse('admin:fleets_syncset_add')}?project={PROJECT_ID}"):
        told = walk.client.get(page).content.decode()
        assert "Could not list &lt;meta" in told, page
        assert "Could not list <" not in told, page


@pytest.mark.parametrize("is_shared", [True, False])
def test_why_a_source_fails_is_told_to_those_who_see_its_connection(
    shelf: Shelf, shelf_connection: Connection, shelf_project: Project, client: Client, is_shared: bool
) -> None:
    user = User.objects.create_user("member", is_staff=True)
    for role in ("editor", "reader"):
        Membership.objects.create(project=shelf_project, user=user, role=role)
    share(shelf_connection, [shelf_project] if is_shared else [])
    forget(LinkedProject, ListedFolders)
    shelf.says = SLOW
    client.force_login(user)

    page = client.get(f"{reverse('admin:fleets_syncset_add')}?project={PROJECT_ID}").content.decode()

    assert ("did not answer in time" in page, UNTOLD in page) == (is_shared, not is_shared)


def test_from_the_wizard_to_secrets_in_devin(walk: Walk, organization: Organization) -> None:
    walk.create()

    jobs.run_sync(str(SyncRun.objects.get().pk))

    assert organization.values() == {"PROD_C": "3"}
    sync = DevinSync.objects.get()
    assert (sync.source_label, sync.folder, sync.sync_status) == ("dev:/app", None, Status.SUCCEEDED)


def test_each_project_is_offered_with_where_it_is_kept(walk: Walk, project: Project) -> None:
    page = walk.client.get(step_url("source")).content.decode()

    assert "The shelf (Memory: shelf)" in page
    assert ">Here<" in page


def test_a_person_waits_only_a_little(shelf: Shelf, walk: Walk) -> None:
    forget(LinkedProject)
    shelf.patience.clear()

    walk.post("source", walk.source, refresh="1")

    assert set(shelf.patience) == {PATIENCE}


def test_while_the_source_is_slow_its_last_list_is_offered(shelf: Shelf, walk: Walk) -> None:
    walk.post("source", walk.source, refresh="1")
    forget(LinkedProject, ListedFolders)
    shelf.says = SLOW

    page = walk.post("source", walk.source, refresh="1").content.decode()

    assert "did not answer in time" in page
    assert "Try again" in page
    assert 'value="/app"' in page
    assert walk.post("source", walk.source).status_code == 302, "what was chosen of it counts"


def test_without_a_list_the_field_says_why(shelf: Shelf, walk: Walk) -> None:
    shelf.says = SLOW

    page = walk.post("source", walk.source)

    assert "did not answer in time" in str(page.context["form"].errors["folder"])


def test_try_again_asks_anew(shelf: Shelf, walk: Walk) -> None:
    walk.post("source", walk.source, refresh="1")
    shelf.put("dev", "/new", D="4")
    assert 'value="/new"' not in walk.post("source", walk.source, refresh="1").content.decode(), "told a moment ago"

    assert 'value="/new"' in walk.post("source", walk.source, again="1").content.decode()


def test_what_was_answered_is_not_asked_again_at_each_step(shelf: Shelf, walk: Walk) -> None:
    walk.to_review()
    forget(LinkedProject, ListedFolders)
    shelf.asked.clear()

    walk.client.get(step_url("details"))

    assert shelf.asked == []


def test_a_source_that_cannot_be_read_leads_back_to_the_first_step(shelf: Shelf, walk: Walk) -> None:
    walk.to_review()
    shelf.says = SLOW

    page = walk.client.get(step_url("review"))

    assert page.context["mend_url"] == step_url("source")
    assert "did not answer in time" in page.content.decode()


def test_a_link_from_the_projects_page_begins_there(walk: Walk) -> None:
    begin = {"project": PROJECT_ID, "environment": "dev", "folder": "/app"}
    walk.client.get(reverse("admin:syncs_devinsync_add"), begin)

    page = walk.client.get(step_url("source"))

    assert str(page.context["chosen_folder"]) == "dev:/app"


# What another page makes


def way_there(walk: Walk, step: str, button: str) -> str:
    return str(walk.post(step, {}, wizard_goto_step=button).headers["Location"])


def test_a_new_connection_comes_back_chosen_and_nothing_is_lost(walk: Walk) -> None:
    walk.to_review()
    entered = {"connection": "", "org_id": "org-other"}
    there = walk.post("destination", entered, wizard_goto_step="new-connection").headers["Location"]
    assert there.startswith(reverse("admin:connections_connection_add"))
    other = Connection.objects.create(name="other", app="devin", base_url="https://api.devin.ai", org_id="")

    back = walk.client.get(step_url("destination"), {"connection": str(other.pk)})

    assert back.headers["Location"] == step_url("destination")
    form = walk.client.get(step_url("destination")).context["form"]
    assert (form["connection"].value(), form["org_id"].value()) == (str(other.pk), "org-other")
    assert walk.post("destination", {"connection": other.pk, "org_id": ORG}).status_code == 302
    assert walk.client.get(step_url("details")).context["form"]["name"].value() == "from-the-shelf"


def test_a_project_that_is_linked_meanwhile_comes_back_chosen(walk: Walk, project: Project) -> None:
    there = walk.post("source", {"project": project.pk}, wizard_goto_step="link-project").headers["Location"]
    assert there == f"{reverse('admin:sources_link')}?next={step_url('source').replace('/', '%2F')}"

    walk.client.get(step_url("source"), {"project": PROJECT_ID})

    page = walk.client.get(step_url("source"))
    assert page.context["form"]["project"].value() == PROJECT_ID
    assert "Dev (dev)" in page.content.decode()


def test_a_new_source_is_a_connection_and_a_project_of_it(walk: Walk) -> None:
    there = way_there(walk, "source", "new-source")

    assert there.startswith(reverse("admin:connections_connection_add"))
    assert parse_qs(urlsplit(there).query)["app"] == [remote_kinds()[0].app]
    link = parse_qs(urlsplit(there).query)["next"][0]
    assert urlsplit(link).path == reverse("admin:sources_link")
    assert parse_qs(urlsplit(link).query)["next"] == [step_url("source")]


@pytest.mark.parametrize("made", ["nonsense", "7c1f2f5e-5c0a-4f52-9c39-000000000000", ""])
def test_what_is_not_there_is_not_chosen(walk: Walk, made: str) -> None:
    walk.to_review()

    walk.client.get(step_url("destination"), {"connection": made})

    assert walk.client.get(step_url("destination")).status_code == 200
    assert walk.post("destination", {"connection": made, "org_id": ORG}).status_code == 200


def test_two_thousand_folders_are_searched_by_typing(shelf: Shelf, walk: Walk) -> None:
    for number in range(2_000):
        shelf.put("dev", f"/f{number}")

    entries = {"project": PROJECT_ID, "environment": "dev"}
    page = walk.post("source", {**entries, "folder": "/f199"}, again="1").content.decode()

    assert page.count('<option value="/f') == 11
    assert walk.post("source", {**entries, "folder": "/f1999"}).status_code == 302


# The edit form


@pytest.fixture
def made(walk: Walk) -> DevinSync:
    walk.create()
    SyncRun.objects.all().delete()
    return DevinSync.objects.get()


def entries_of(sync: DevinSync, **changed: object) -> dict[str, Any]:
    return {
        "name": sync.name, "description": sync.description, "is_enabled": "on", "folder": str(sync.place),
        "connection": sync.connection_id, "org_id": sync.org_id, "seen_version": sync.version,
        **posted_options(sync), **changed,
    }  # fmt: skip


def settings_of(sync: DevinSync) -> str:
    return reverse("admin:syncs_devinsync_settings", args=[sync.pk])


def test_its_page_leads_to_the_place(walk: Walk, made: DevinSync) -> None:
    overview = walk.client.get(made.get_absolute_url()).content.decode()
    assert reverse("admin:sources_project", args=[PROJECT_ID]) in overview

    page = walk.client.get(settings_of(made)).content.decode()
    assert 'value="dev:/app" selected' in page
    assert 'value="prod:/"' in page


def test_what_is_named_is_shown_as_chosen_by_its_id() -> None:
    field = PathField()
    field.offer(Listing([FolderEntry("/", "id-1"), FolderEntry("/app", "id-2")]))

    assert field.prepare_value("/app") == "id-2"
    assert field.prepare_value("id-2") == "id-2"
    assert field.prepare_value("/gone") == "/gone"


def test_a_folder_made_anew_is_still_the_one_that_is_read(walk: Walk, made: DevinSync) -> None:
    DevinSync.objects.update(source_folder_id="the one before")

    page = walk.client.get(settings_of(made)).content.decode()

    assert 'value="dev:/app" selected' in page


def test_another_place_is_chosen(walk: Walk, made: DevinSync) -> None:
    walk.client.get(made.get_absolute_url())

    page = walk.client.post(made.get_absolute_url(), entries_of(made, folder="prod:/"))
    assert "The environment changes from" in page.content.decode()
    answer_review(walk.client, page, "sync")

    made.refresh_from_db()
    assert (made.source_label, made.version) == ("prod:/", 2)


def test_an_edit_cannot_choose_by_tags_that_the_source_does_not_have(walk: Walk, made: DevinSync) -> None:
    page = walk.client.post(made.get_absolute_url(), entries_of(made, except_tags="local")).content.decode()

    assert f"{NO_TAGS} Leave this empty, and choose by keys." in page
    assert not DevinSync.objects.get().chooses_by_tags


def test_the_rest_can_be_changed_while_the_source_is_away(shelf: Shelf, walk: Walk, made: DevinSync) -> None:
    forget(LinkedProject, ListedFolders)
    shelf.says = SLOW
    shelf.asked.clear()

    answer = walk.client.post(made.get_absolute_url(), entries_of(made, description="for the shop"))

    assert answer.status_code == 302, answer.context["errors"]
    made.refresh_from_db()
    assert (made.source_label, made.description) == ("dev:/app", "for the shop")
    assert shelf.asked == [], "no request inside the transaction of the edit"


def test_nobody_but_whoever_may_read_values_chooses_a_place(made: DevinSync, client: Client) -> None:
    user = User.objects.create_user("sees", is_staff=True)
    from django.contrib.auth.models import Permission

    user.user_permissions.set(Permission.objects.filter(codename__in=["view_devinsync", "change_devinsync"]))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    page = client.get(made.get_absolute_url())

    assert "folder" not in page.context["adminform"].form.fields
    assert "dev:/app" in page.content.decode() or "/app" in page.content.decode()
