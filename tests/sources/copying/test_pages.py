"""The pages of a copy: what each takes, what they ask, and that a decision is on the plan that was shown."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from connections.models import Connection
from sandbox.infisical.world import Edition, Project, Secret
from sources.copying.copying import RIGHT_TO_PROJECTS, RIGHTS
from sources.linking import link_project
from sources.models import Copy
from syncs.runs.jobs import run_sync
from tests.actors import ANYBODY
from tests.sources.copying.conftest import asked_for
from tests.sources.hostile import CANARY
from vault import models as vault
from vault.editing import create_project, set_secret

ADD = "admin:sources_copy_add"
# Each page, and what is sent to it; None for one that is looked at. All take the same rights.
PAGES: dict[str, dict[str, str] | None] = {
    "copy": None,
    "copy_progress": None,
    "copy_confirm": {"digest": "none"},
    "copy_again": {},
}


def person(*permissions: str) -> Client:
    user = User.objects.create_user(f"{User.objects.count()}", is_staff=True)
    for name in permissions:
        app, _, codename = name.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return logged_in(user)


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def edition() -> Edition:
    return Edition.NEW


@pytest.fixture
def browser(root: User) -> Client:
    return logged_in(root)


@pytest.fixture
def entries(filled: Project, connection_to_it: Connection) -> dict[str, Any]:
    return {"connection": str(connection_to_it.pk), "remote_project": "shop"}


@pytest.fixture
def copy(filled: Project, connection_to_it: Connection, root: User) -> Copy:
    return asked_for(connection_to_it, filled, root)


def work(copy: Copy) -> Copy:
    run_sync(str(copy.pk))
    copy.refresh_from_db()
    return copy


def page_of(copy: Copy, name: str = "copy") -> str:
    return reverse(f"admin:sources_{name}", args=[copy.pk])


def test_a_person_asks_agrees_and_has_the_copy(entries: dict[str, Any], browser: Client) -> None:
    asked = browser.post(reverse(ADD), entries)
    copy = Copy.objects.get()
    assert asked.headers["Location"] == page_of(copy)
    assert "Waits for a worker" in browser.get(page_of(copy)).content.decode()

    work(copy)
    shown = browser.get(page_of(copy)).content.decode()
    assert "dev:/app" in shown
    assert CANARY not in shown
    agreed = browser.post(page_of(copy, "copy_confirm"), {"digest": copy.digest, "differing": "keep"})
    assert agreed.headers["Location"] == page_of(copy)

    assert work(copy).state == Copy.State.DONE
    done = browser.get(page_of(copy)).content.decode()
    assert "secrets: 9 new" in done
    assert reverse("admin:vault_project_page", args=[copy.into_id]) in done
    details = [line.detail for line in Entry.objects.filter(kind="copy")]
    assert "Asked to copy The shop into a new project, The shop (shop)." in details
    assert "Agreed to the copy into a new project, The shop (shop), keeping what differs." in details


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("lacking", RIGHTS)
def test_each_page_takes_all_rights_and_names_the_missing_one(page: str, lacking: str, copy: Copy) -> None:
    client, url = person(*(name for name in RIGHTS if name != lacking)), page_of(copy, page)
    response = client.get(url) if PAGES[page] is None else client.post(url, PAGES[page])

    assert response.status_code == 403
    assert lacking in response.content.decode()
    assert CANARY not in response.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_each_page_opens_to_whoever_has_them(page: str, copy: Copy) -> None:
    client, url = person(*RIGHTS), page_of(copy, page)
    response = client.get(url) if PAGES[page] is None else client.post(url, PAGES[page])

    assert response.status_code in (200, 302)


@pytest.mark.parametrize("page", [name for name, data in PAGES.items() if data is not None])
def test_what_changes_something_is_posted(page: str, copy: Copy, browser: Client) -> None:
    assert browser.get(page_of(copy, page)).status_code == 405


@pytest.mark.parametrize("lacking", RIGHTS)
def test_to_ask_takes_all_rights(lacking: str, entries: dict[str, Any]) -> None:
    response = person(*(name for name in RIGHTS if name != lacking)).post(reverse(ADD), entries)

    assert response.status_code == 403
    assert not Copy.objects.exists()


def test_a_new_project_takes_the_right_to_add_one(entries: dict[str, Any]) -> None:
    into = create_project(name="There", slug="there", by=ANYBODY)
    client = person(*RIGHTS)

    assert RIGHT_TO_PROJECTS in client.post(reverse(ADD), entries).content.decode()
    assert client.post(reverse(ADD), entries | {"into": str(into.pk)}).status_code == 302
    assert Copy.objects.get().into == into


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"connection": ""}, "Choose the connection"),
        ({"remote_project": ""}, "Enter the project to copy"),
        ({"remote_project": "nothing"}, "look up the project nothing"),
        ({"slug": "taken"}, "There is a project “taken” already"),
        ({"slug": "Not A Slug"}, "be a slug"),
        ({"name": "x" * 65}, "64"),
        ({"into": "8a3c5f1e-1111-4222-8333-444455556666"}, "no such project in the vault"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    wrong: dict[str, str], told: str, entries: dict[str, Any], browser: Client
) -> None:
    create_project(name="Taken", slug="taken", by=ANYBODY)

    response = browser.post(reverse(ADD), entries | wrong)

    assert told in response.content.decode()
    assert not Copy.objects.exists()


def test_a_linked_project_leads_to_its_copy_and_is_no_place_to_copy_into(
    connection_to_it: Connection, filled: Project, browser: Client
) -> None:
    linked = link_project(connection_to_it, filled.id, by=ANYBODY)
    add = f"{reverse(ADD)}?project={linked.pk}"
    assert add in browser.get(reverse("admin:sources_project", args=[linked.pk])).content.decode()

    form = browser.get(add).context["form"]

    assert form.initial == {"connection": connection_to_it.pk, "remote_project": filled.id}
    assert linked not in form.fields["into"].queryset


def test_beside_its_linked_project_a_copy_has_a_slug_of_its_own(
    connection_to_it: Connection, filled: Project, entries: dict[str, Any], browser: Client
) -> None:
    link_project(connection_to_it, filled.id, by=ANYBODY)

    browser.post(reverse(ADD), entries)

    assert Copy.objects.get().slug == "shop-2"


def test_the_projects_of_a_connection_are_suggested(entries: dict[str, Any], browser: Client) -> None:
    response = browser.post(reverse(ADD), entries | {"show": "1"})

    assert [each.slug for each in response.context["form"].suggestions] == ["shop"]
    assert not Copy.objects.exists()


def test_without_a_connection_the_page_leads_to_one(browser: Client) -> None:
    assert "No connection to copy from yet" in browser.get(reverse(ADD)).content.decode()


def test_hidden_values_cannot_be_agreed_to(copy: Copy, filled: Project, browser: Client) -> None:
    filled.environments["prod"].folders["/"].secrets[0].is_hidden = True
    work(copy)

    shown = browser.get(page_of(copy)).content.decode()
    assert "cannot be copied yet" in shown
    assert page_of(copy, "copy_confirm") not in shown
    browser.post(page_of(copy, "copy_confirm"), {"digest": copy.digest, "leaves_out": "on"})
    assert work(copy).state == Copy.State.PLANNED


def test_what_the_vault_refuses_is_left_out_by_a_tick(copy: Copy, filled: Project, browser: Client) -> None:
    filled.environments["prod"].folders["/"].secrets.append(Secret("BAD KEY", "1"))
    work(copy)
    confirm = page_of(copy, "copy_confirm")

    refused = browser.post(confirm, {"digest": copy.digest}).content.decode()
    assert "choose to leave it out" in refused
    assert work(copy).state == Copy.State.PLANNED

    browser.post(confirm, {"digest": copy.digest, "leaves_out": "on"})
    assert work(copy).state == Copy.State.DONE


def test_a_difference_asks_and_the_answer_is_carried_out(
    filled: Project, connection_to_it: Connection, root: User, browser: Client
) -> None:
    into = create_project(name="There", slug="there", environments=[("Production", "prod")], by=ANYBODY)
    folder = vault.Folder.objects.get(environment__project=into)
    set_secret(folder, "HOST", "mine", by=ANYBODY)
    copy = work(asked_for(connection_to_it, filled, root, into))
    assert "Keep it as it is in the vault" in browser.get(page_of(copy)).content.decode()

    browser.post(page_of(copy, "copy_confirm"), {"digest": copy.digest, "differing": "replace"})

    assert work(copy).state == Copy.State.DONE
    assert folder.secrets.get(key="HOST").version == 2


def test_progress_ends_once_the_state_is_another(copy: Copy, browser: Client) -> None:
    url = f"{page_of(copy, 'copy_progress')}?seen=asked"
    assert "data-finished" not in browser.get(url).content.decode()

    work(copy)

    assert 'data-finished="reload"' in browser.get(url).content.decode()


def test_a_name_of_a_key_that_the_vault_refuses_is_shown_as_text(copy: Copy, filled: Project, browser: Client) -> None:
    filled.environments["prod"].folders["/"].secrets.append(Secret("<script>alert(1)</script>", "1"))
    work(copy)

    assert "<script>alert(1)" not in browser.get(page_of(copy)).content.decode()
