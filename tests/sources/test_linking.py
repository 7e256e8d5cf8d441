"""A project that is kept elsewhere: how it comes to be one of ours, and that nothing of it is changed here."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connections.models import Connection
from encryption import DecryptionError
from sources import registry
from sources.errors import PlaceMissing, Refused, SourceError, Untrustworthy
from sources.kinds import Opening
from sources.linking import Naming, link_project, prove
from sources.models import LinkedProject
from sources.registry import open_source
from sources.words import where_kept
from tests.actors import ANYBODY
from tests.sources.memory import PROJECT_ID, MemorySource, Shelf
from vault import editing
from vault.errors import Invalid, KeptElsewhere, Taken
from vault.models import Environment, Folder, Project
from vault.reading import find_folder

pytestmark = pytest.mark.django_db


def test_a_linked_project_keeps_the_id_of_its_source(shelf_project: Project, shelf_connection: Connection) -> None:
    link = LinkedProject.of(shelf_project)

    assert (str(shelf_project.pk), shelf_project.source, shelf_project.slug) == (PROJECT_ID, "memory", "shelf")
    assert (link.connection, link.remote_id, link.remote_name) == (shelf_connection, PROJECT_ID, "The shelf")
    assert [entry["slug"] for entry in link.environments] == ["dev", "prod"]


def test_nothing_of_it_is_copied(shelf_project: Project) -> None:
    assert not Environment.objects.filter(project=shelf_project).exists()
    assert not Folder.objects.filter(environment__project=shelf_project).exists()


def test_a_project_that_the_source_does_not_have_is_not_linked(shelf: Shelf, shelf_connection: Connection) -> None:
    with pytest.raises(PlaceMissing, match="no project nope"):
        link_project(shelf_connection, "nope", by=ANYBODY)

    assert not Project.objects.exists()


def test_a_refusal_links_nothing(shelf: Shelf, shelf_connection: Connection) -> None:
    shelf.says = Refused("The shelf does not know this reader.")

    with pytest.raises(Refused):
        link_project(shelf_connection, "shelf", by=ANYBODY)

    assert not Project.objects.exists()


def test_a_project_without_an_environment_proves_nothing(shelf: Shelf, shelf_connection: Connection) -> None:
    with pytest.raises(Untrustworthy, match="right to read one"):
        link_project(shelf_connection, "shelf", by=ANYBODY)


def test_a_connection_to_something_else_is_no_source(connection: Connection) -> None:
    with pytest.raises(Invalid, match="leads to no source"):
        link_project(connection, "shelf", by=ANYBODY)


def test_a_project_is_linked_once(shelf_project: Project, shelf_connection: Connection) -> None:
    with pytest.raises(Taken, match="linked already, as shelf"):
        link_project(shelf_connection, "shelf", Naming(slug="again"), by=ANYBODY)


def test_a_slug_that_is_taken_is_said(shelf: Shelf, shelf_connection: Connection) -> None:
    editing.create_project(name="Shelf", slug="shelf", by=ANYBODY)
    shelf.put("dev", A="1")

    with pytest.raises(Taken, match="Choose another slug"):
        link_project(shelf_connection, "shelf", by=ANYBODY)


EDITS: dict[str, Callable[[Project, Folder], Any]] = {
    "an environment": lambda project, _: editing.create_environment(project, name="QA", slug="qa", by=ANYBODY),
    "a tag": lambda project, _: editing.create_tag(project, "red", by=ANYBODY),
    "a folder": lambda _, folder: editing.create_folder(folder.environment, "/x", by=ANYBODY),
    "a secret": lambda _, folder: editing.set_secret(folder, "A", "1", by=ANYBODY),
}


@pytest.mark.parametrize("edit", EDITS)
def test_its_contents_are_not_edited_here(edit: str, shelf_project: Project) -> None:
    # Rows that should not be there, to try it all the same.
    environment = Environment.objects.create(project=shelf_project, name="dev", slug="dev")
    folder = Folder.objects.create(environment=environment, path="/")

    with pytest.raises(KeptElsewhere, match="live in Memory: shelf"):
        EDITS[edit](shelf_project, folder)


def test_its_own_name_is_ours(shelf_project: Project) -> None:
    editing.update_project(shelf_project, name="Renamed", by=ANYBODY)

    assert Project.objects.get(pk=shelf_project.pk).name == "Renamed"


def test_whoever_looks_for_a_folder_here_is_told_where_it_is(shelf_project: Project) -> None:
    with pytest.raises(KeptElsewhere, match="live in Memory: shelf"):
        find_folder(shelf_project, "dev", "/")


def test_to_delete_it_is_to_unlink_it(shelf: Shelf, shelf_project: Project) -> None:
    editing.delete_project(shelf_project, by=ANYBODY)

    assert not LinkedProject.objects.exists()
    assert {str(place) for place in shelf.folders} == {"dev:/", "dev:/app", "prod:/"}


def test_a_kind_that_this_version_does_not_know_is_named(project: Project) -> None:
    """After a step back to an older version."""
    Project.objects.filter(pk=project.pk).update(source="other")
    project.refresh_from_db()

    assert where_kept(project) == "other"
    with pytest.raises(SourceError, match="Start the version that linked it"):
        open_source(project)


def test_credentials_that_do_not_open_are_a_refusal(
    shelf_project: Project, shelf_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_nothing(opening: Opening) -> MemorySource:
        raise DecryptionError("Could not read the credentials of connection “shelf”. Enter them again.")

    monkeypatch.setitem(registry.KINDS, "memory", replace(registry.KINDS["memory"], open=open_nothing))

    with pytest.raises(Refused, match="Enter them again"):
        open_source(shelf_project)
    with pytest.raises(Refused, match="Enter them again"):
        prove(shelf_connection, "shelf")
