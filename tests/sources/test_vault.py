"""The built-in vault, read through the protocol."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sources.choosing import environments_of, folders_of, places_of
from sources.errors import PlaceMissing, Untrustworthy
from sources.protocol import Place
from sources.registry import open_source
from syncs.engine.source import list_source_keys, read_source
from syncs.models import DevinSync
from tests.actors import ANYBODY
from vault.editing import add_import, create_folder, create_project, rename_folder, set_secrets
from vault.models import Folder, Project
from vault.reading import list_keys, read_secrets

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project(name="Billing", by=ANYBODY)


def folder_at(project: Project, path: str) -> Folder:
    return Folder.objects.select_related("environment").get(
        environment__project=project, environment__slug="dev", path=path
    )


def test_it_lists_environments_in_their_order(project: Project) -> None:
    with open_source(project) as source:
        assert [entry.slug for entry in source.list_environments()] == ["dev", "staging", "prod"]
        assert [entry.slug for entry in source.list_environments(search="PROD")] == ["prod"]


def test_it_lists_the_folders_of_an_environment_the_root_first(project: Project) -> None:
    root = folder_at(project, "/")
    made = create_folder(root.environment, "/services/api", by=ANYBODY)

    with open_source(project) as source:
        folders = source.list_folders("dev")
        assert [entry.path for entry in folders] == ["/", "/services", "/services/api"]
        assert folders[-1].id == str(made.pk)
        assert [entry.path for entry in source.list_folders("dev", search="API")] == ["/services/api"]


def test_a_folder_is_read_with_its_imports(project: Project) -> None:
    root = folder_at(project, "/")
    shared = create_folder(root.environment, "/shared", by=ANYBODY)
    set_secrets(shared, {"A": "shared", "B": "2"}, by=ANYBODY)
    set_secrets(root, {"A": "own"}, by=ANYBODY)
    add_import(root, shared, by=ANYBODY)

    with open_source(project) as source:
        found = source.read(Place("dev", "/"))
        assert source.list_keys(Place("dev", "/")) == ["A", "B"]

    assert [(each.key, each.value, each.path) for each in found] == [("A", "own", "/"), ("B", "2", "/shared")]


def test_a_folder_that_is_known_by_its_id_is_read_under_any_name(project: Project) -> None:
    folder = create_folder(folder_at(project, "/").environment, "/old", by=ANYBODY)
    set_secrets(folder, {"A": "1"}, by=ANYBODY)
    place = Place("dev", "/old", str(folder.pk))
    rename_folder(folder, "new", by=ANYBODY)

    with open_source(project) as source:
        assert [each.value for each in source.read(place)] == ["1"]
        with pytest.raises(PlaceMissing):
            source.read(Place("dev", "/old"))


@pytest.mark.parametrize("place", [Place("nope"), Place("dev", "/nope"), Place("dev", "/a//b")])
def test_what_is_not_there_is_said_to_be_missing(project: Project, place: Place) -> None:
    with open_source(project) as source, pytest.raises(PlaceMissing):
        source.read(place)


def test_a_reference_that_leads_nowhere_makes_the_place_unreadable(project: Project) -> None:
    set_secrets(folder_at(project, "/"), {"A": "${NOPE}"}, by=ANYBODY)

    with open_source(project) as source, pytest.raises(Untrustworthy, match="NOPE"):
        source.read(Place("dev"))


def test_a_place_contains_what_is_below_it_and_no_namesake() -> None:
    assert Place("dev", "/a").contains(Place("dev", "/a/b"))
    assert Place("dev", "/a").contains(Place("dev", "/a"))
    assert Place("dev").contains(Place("dev", "/a"))
    assert not Place("dev", "/a").contains(Place("dev", "/ab"))
    assert not Place("dev", "/a").contains(Place("prod", "/a/b"))
    assert not Place("dev", "/a/b").contains(Place("dev", "/a"))


def queries_of(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


@pytest.mark.parametrize("recursive", [False, True])
def test_the_seam_costs_the_vault_no_query(project: Project, recursive: bool) -> None:
    folder = create_folder(folder_at(project, "/").environment, "/app", by=ANYBODY)
    set_secrets(folder, {"A": "1", "B": "${A}"}, by=ANYBODY)
    folder = folder_at(project, "/app")
    sync = DevinSync(project=project, folder=folder, recursive=recursive)

    assert queries_of(lambda: read_source(sync)) == queries_of(lambda: read_secrets(folder, recursive=recursive))
    assert queries_of(lambda: list_source_keys(sync)) == queries_of(lambda: list_keys(folder, recursive=recursive))


def test_to_choose_costs_a_query_a_list(project: Project) -> None:
    assert queries_of(lambda: list(environments_of(project).entries)) == 1
    assert queries_of(lambda: folders_of(project, "dev").entries[:201]) == 2, "the environment, and its folders"
    assert queries_of(lambda: places_of(project).entries[:201]) == 1
