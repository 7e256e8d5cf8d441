"""A project of Infisical becomes one of the vault's: everything of it, as it is stored, by the plan that was shown."""

from itertools import pairwise
from typing import Any

import pytest

from connections.models import Connection
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Edition, Folder, Project, Secret
from sources.copying.copying import Changed, Choice, prepare, write
from sources.copying.plan import Plan
from sources.errors import PlaceMissing, Refused, SourceError
from sources.linking import link_project
from sources.protocol import Place
from sources.registry import open_source
from tests.actors import ANYBODY
from tests.sources.copying.conftest import prepared_for, quietly, wish_for
from tests.sources.hostile import CANARY
from vault import models as vault
from vault.editing import add_import, change_tags, create_folder, create_project, set_secrets, update_secret
from vault.wholeness import holds

ALL = ("A", "B", "PRICE", "SHELL", "TEMPLATE", "URL")


def copied(connection: Connection, shop: Project, into: vault.Project | None = None, **choice: bool) -> vault.Project:
    return write(prepared_for(connection, shop, into), Choice(**choice), by=ANYBODY)


def folder_of(project: vault.Project, slug: str, path: str) -> vault.Folder:
    return vault.Folder.objects.get(environment__project=project, environment__slug=slug, path=path)


def read(project: vault.Project, slug: str, path: str) -> dict[str, str]:
    with open_source(project) as source:
        return {secret.key: secret.value for secret in source.read(Place(slug, path))}


def row_of(project: vault.Project, key: str, path: str = "/app") -> vault.Secret:
    return vault.Secret.objects.get(folder=folder_of(project, "dev", path), key=key)


def marks(plan: Plan) -> dict[str, str]:
    return {f"{row.place} {row.name}": row.mark for row in plan.rows}


@pytest.fixture
def there(filled: Project, connection_to_it: Connection) -> vault.Project:
    """A copy that was made a while ago."""
    return copied(connection_to_it, filled)


def test_all_of_a_project_comes_into_the_vault(filled: Project, connection_to_it: Connection) -> None:
    project = copied(connection_to_it, filled)

    environments = list(project.environments.values_list("slug", "name"))
    assert environments == [("dev", "Dev"), ("staging", "Staging"), ("prod", "Prod")]
    folders = vault.Folder.objects.filter(environment__project=project)
    assert sorted(map(str, folders)) == [
        "dev:/",
        "dev:/app",
        "dev:/shared",
        "prod:/",
        "staging:/",
        "staging:/empty",
        "staging:/empty/below",
    ]
    assert set(
        vault.Secret.objects.filter(folder=folder_of(project, "dev", "/app")).values_list("key", flat=True)
    ) == set(ALL)
    assert [str(row.source) for row in folder_of(project, "dev", "/app").imports.all()] == ["dev:/shared", "prod:/"]
    assert row_of(project, "A").comment == "Two lines\nof a comment"
    assert row_of(project, "TEMPLATE").is_literal


def test_a_copy_reads_as_its_source_does(filled: Project, connection_to_it: Connection) -> None:
    linked = link_project(connection_to_it, filled.id, by=ANYBODY)
    project = copied(connection_to_it, filled)

    for slug, path in (("dev", "/app"), ("dev", "/shared"), ("prod", "/"), ("staging", "/empty/below")):
        assert read(project, slug, path) == read(linked, slug, path), path
    assert read(project, "dev", "/app")["URL"] == f"postgres://{CANARY}-a@{CANARY}-host/x"


def test_references_follow_the_copy_and_not_the_values_of_the_day(there: vault.Project) -> None:
    update_secret(row_of(there, "A"), value="another", by=ANYBODY)

    assert read(there, "dev", "/app")["URL"] == f"postgres://another@{CANARY}-host/x"


def test_every_folder_is_sealed_as_a_writer_leaves_it(there: vault.Project) -> None:
    for folder in vault.Folder.objects.filter(environment__project=there):
        assert holds(folder, folder.secrets.all(), folder.imports.all()), folder


def test_personal_secrets_stay_and_are_named(filled: Project, connection_to_it: Connection) -> None:
    plan = prepared_for(connection_to_it, filled).drafted.plan

    assert [(left.where, left.what) for left in plan.left if "personal" in left.what] == [
        ("dev:/app", "the personal A")
    ]
    assert plan.refused == plan.hidden == plan.dangling == []


def test_a_second_copy_finds_all_as_before(there: vault.Project, filled: Project, connection_to_it: Connection) -> None:
    versions = vault.SecretVersion.objects.count()
    plan = prepared_for(connection_to_it, filled, there).drafted.plan

    assert not plan.changes_anything
    assert plan.counts["same"] == vault.Secret.objects.count()
    copied(connection_to_it, filled, there, replaces=True)
    assert vault.SecretVersion.objects.count() == versions


@pytest.mark.parametrize(("replaces", "kept"), [(False, "mine"), (True, f"{CANARY}-b")])
def test_what_differs_is_kept_or_replaced_as_was_chosen(
    replaces: bool, kept: str, there: vault.Project, filled: Project, connection_to_it: Connection
) -> None:
    update_secret(row_of(there, "B"), value="mine", comment="mine", by=ANYBODY)
    set_secrets(folder_of(there, "dev", "/app"), {"ONLY_HERE": "1"}, by=ANYBODY)
    create_folder(there.environments.get(slug="dev"), "/only-here", by=ANYBODY)

    assert marks(prepared_for(connection_to_it, filled, there).drafted.plan) == {"dev:/app B": "differs"}
    copied(connection_to_it, filled, there, replaces=replaces)

    assert read(there, "dev", "/app")["B"] == kept
    assert row_of(there, "B").comment == ("" if replaces else "mine")
    assert read(there, "dev", "/app")["ONLY_HERE"] == "1"
    assert folder_of(there, "dev", "/only-here")


@pytest.mark.parametrize(
    ("field", "value"),
    [("comment", "another"), ("value", "another"), ("tags", ("devinsync-literal",)), ("tags", ("team",))],
)
def test_whatever_differs_of_a_secret_is_told(
    field: str, value: Any, there: vault.Project, filled: Project, connection_to_it: Connection
) -> None:
    setattr(filled.environments["dev"].folders["/shared"].secrets[0], field, value)

    assert marks(prepared_for(connection_to_it, filled, there).drafted.plan) == {"dev:/shared REGION": "differs"}


def test_tags_come_along(filled: Project, connection_to_it: Connection) -> None:
    secrets = filled.environments["dev"].folders["/app"].secrets
    secrets[0].tags, secrets[1].tags = ("team", "devin"), ("devin", "devinsync-literal")

    project = copied(connection_to_it, filled)

    assert row_of(project, secrets[0].key).tag_slugs == ["devin", "team"]
    assert row_of(project, secrets[1].key).tag_slugs == ["devin"], "what marks a text there is no tag here"
    assert row_of(project, secrets[2].key).tag_slugs == []
    assert sorted(project.tags.values_list("slug", flat=True)) == ["devin", "team"]
    plan = prepared_for(connection_to_it, filled, project).drafted.plan
    assert (marks(plan), plan.counts["left"]) == ({}, 1)


def test_tags_join_those_of_the_vault_once_that_is_chosen(
    there: vault.Project, filled: Project, connection_to_it: Connection
) -> None:
    region = row_of(there, "REGION", "/shared")
    change_tags(there, [region], add=["mine"], remove=[], by=ANYBODY)
    assert marks(prepared_for(connection_to_it, filled, there).drafted.plan) == {}
    filled.environments["dev"].folders["/shared"].secrets[0].tags = ("team",)

    copied(connection_to_it, filled, there)
    assert region.tag_slugs == ["mine"]
    copied(connection_to_it, filled, there, replaces=True)

    assert vault.Secret.objects.get(pk=region.pk).tag_slugs == ["mine", "team"]
    assert vault.Secret.objects.get(pk=region.pk).version == region.version, "its value is as it was"


def test_a_tag_that_is_no_slug_is_left_out_only_by_choice(filled: Project, connection_to_it: Connection) -> None:
    filled.environments["dev"].folders["/shared"].secrets[0].tags = ("Team A", "devin")

    [left] = prepared_for(connection_to_it, filled).drafted.plan.refused

    assert left.what == "the tag Team A of REGION"
    project = copied(connection_to_it, filled, leaves_out=True)
    assert row_of(project, "REGION", "/shared").tag_slugs == ["devin"]


@pytest.mark.parametrize("replaces", [False, True])
def test_imports_of_the_vault_stay_and_those_of_the_source_come_behind(
    replaces: bool, there: vault.Project, filled: Project, connection_to_it: Connection
) -> None:
    app = folder_of(there, "dev", "/app")
    own = create_folder(there.environments.get(slug="dev"), "/own", by=ANYBODY)
    add_import(app, own, by=ANYBODY)
    filled.environments["dev"].folders["/app"].imports.append(("staging", "/empty"))

    plan = prepared_for(connection_to_it, filled, there).drafted.plan
    assert marks(plan) == {"dev:/app the import of staging:/empty": "new"}
    copied(connection_to_it, filled, there, replaces=replaces)

    shown = [str(row.source) for row in app.imports.all()]
    assert shown == ["dev:/shared", "prod:/", "dev:/own", "staging:/empty"]
    assert [row.position for row in app.imports.all()] == [1, 2, 3, 4]


@pytest.mark.parametrize(("replaces", "first"), [(False, "dev:/shared"), (True, "prod:/")])
def test_another_order_of_imports_is_a_difference(
    replaces: bool, first: str, there: vault.Project, filled: Project, connection_to_it: Connection
) -> None:
    filled.environments["dev"].folders["/app"].imports.reverse()

    plan = prepared_for(connection_to_it, filled, there).drafted.plan
    assert marks(plan) == {"dev:/app the order of its imports": "differs"}
    copied(connection_to_it, filled, there, replaces=replaces)

    assert str(folder_of(there, "dev", "/app").imports.all()[0].source) == first


def test_only_the_environments_that_are_named(filled: Project, connection_to_it: Connection) -> None:
    prepared = prepare(wish_for(connection_to_it, filled, None, "dev"), quietly)

    # The import from prod would be missing, and the reference lead nowhere: the one is refused, the other told.
    assert [(left.what, left.where) for left in prepared.drafted.plan.refused] == [("the import of prod:/", "dev:/app")]
    assert [left.what for left in prepared.drafted.plan.dangling] == ["URL"]
    with pytest.raises(Refused, match="does not take 1"):
        write(prepared, Choice(), by=ANYBODY)
    project = write(prepared, Choice(leaves_out=True), by=ANYBODY)
    assert list(project.environments.values_list("slug", flat=True)) == ["dev"]


def test_an_environment_that_is_not_there_is_refused_by_its_name(filled: Project, connection_to_it: Connection) -> None:
    with pytest.raises(PlaceMissing, match=r"no environment qa in Infisical\. It has: dev, staging, prod"):
        prepare(wish_for(connection_to_it, filled, None, "dev", "qa"), quietly)


REFUSED: dict[str, tuple[Secret, str]] = {
    "a space in a key": (Secret("MY KEY", f"{CANARY}-1"), "can't be a key"),
    "a digit first": (Secret("1KEY", f"{CANARY}-1"), "can't be a key"),
    "a long key": (Secret("K" * 256, f"{CANARY}-1"), "256 characters long"),
    "a long value": (Secret("LONG", CANARY * 10_000), "the limit is 65,536"),
    "a NUL": (Secret("NUL", f"{CANARY}\0"), "NUL character"),
    "another project": (Secret("FAR", f"{CANARY}${{@other.dev.KEY}}"), "another project by ${@other.dev.KEY}"),
    "a reference within another": (Secret("DEEP", f"{CANARY}${{dev.${{A}}.B}}"), "within a reference"),
    "a long comment": (Secret("TOLD", f"{CANARY}-1", comment="x" * 2001), "too long"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_vault_refuses_is_named_and_left_out_by_a_decision_alone(
    what: str, filled: Project, connection_to_it: Connection
) -> None:
    secret, why = REFUSED[what]
    filled.environments["dev"].folders["/shared"].secrets.append(secret)
    prepared = prepared_for(connection_to_it, filled)

    [left] = prepared.drafted.plan.refused
    assert left.where == "dev:/shared"
    assert why in left.why
    assert CANARY not in str(prepared.drafted.plan)
    with pytest.raises(Refused):
        write(prepared, Choice(), by=ANYBODY)
    assert not vault.Project.objects.exists()
    project = write(prepared, Choice(leaves_out=True), by=ANYBODY)
    assert read(project, "dev", "/shared")["REGION"] == f"{CANARY}-region"


@pytest.mark.parametrize("edition", [Edition.NEW])
@pytest.mark.parametrize("changed", [{}, {"is_hidden": True}, {"kind": "personal"}, {"tags": ("team",)}])
def test_a_value_that_was_entered_as_a_name_is_not_shown(
    changed: dict[str, Any], filled: Project, connection_to_it: Connection
) -> None:
    pasted = "".join(("ghp", "_", "16C7e42F292c6912E7", "710c838347Ae178B4a"))
    filled.environments["dev"].folders["/shared"].secrets.append(Secret(pasted, "1", **changed))

    plan = prepared_for(connection_to_it, filled).drafted.plan

    lefts = [left.what for left in (*plan.refused, *plan.hidden, *plan.left)]
    assert any("looks like key material" in what for what in lefts)
    assert pasted not in str(plan)


def test_a_reference_that_would_mean_another_key_is_refused(filled: Project, connection_to_it: Connection) -> None:
    """In Infisical it leads to another folder; in the vault a key of just that name would win."""
    shared = filled.environments["dev"].folders["/shared"].secrets
    shared += [Secret("prod.HOST", "mine"), Secret("LINK", "${prod.HOST}")]

    [left] = prepared_for(connection_to_it, filled).drafted.plan.refused

    assert left.what == "LINK"


def test_a_folder_that_the_vault_refuses_goes_with_the_imports_of_it(
    filled: Project, connection_to_it: Connection
) -> None:
    dev = filled.environments["dev"].folders
    dev["/bad name"] = Folder("/bad name", [Secret("X", "1")])
    dev["/app"].imports.append(("dev", "/bad name"))

    plan = prepared_for(connection_to_it, filled).drafted.plan

    assert [left.what for left in plan.refused] == ["the folder with its 1 secrets", "the import of dev:/bad name"]


@pytest.mark.parametrize(
    ("imported", "why"),
    [(("gone", "/"), "not there"), (("dev", "/gone"), "no such folder"), (("dev", "/app"), "lead back")],
)
def test_an_import_that_leads_nowhere_is_not_carried_and_said_so(
    imported: tuple[str, str], why: str, filled: Project, connection_to_it: Connection
) -> None:
    filled.environments["dev"].folders["/shared"].imports.append(imported)
    plan = prepared_for(connection_to_it, filled).drafted.plan

    assert [why in left.why for left in (*plan.refused, *plan.left) if left.what.startswith("the import")] == [True]


def test_a_reference_that_leads_nowhere_is_carried_and_said_so(filled: Project, connection_to_it: Connection) -> None:
    filled.environments["dev"].folders["/shared"].secrets.append(Secret("BROKEN", "x${NOPE}${dev.nope.KEY}"))
    prepared = prepared_for(connection_to_it, filled)

    assert [(left.what, left.why) for left in prepared.drafted.plan.dangling] == [
        ("BROKEN", "${NOPE} leads nowhere"),
        ("BROKEN", "${dev.nope.KEY} leads nowhere"),
    ]
    write(prepared, Choice(), by=ANYBODY)


@pytest.mark.parametrize("edition", [Edition.NEW])
def test_hidden_values_are_all_named_and_refuse_the_copy(filled: Project, connection_to_it: Connection) -> None:
    for secret in filled.environments["dev"].folders["/shared"].secrets:
        secret.is_hidden = True
    prepared = prepared_for(connection_to_it, filled)

    assert [left.what for left in prepared.drafted.plan.hidden] == ["REGION", "A"]
    with pytest.raises(Refused, match="2 values may not be read"):
        write(prepared, Choice(leaves_out=True), by=ANYBODY)
    assert not vault.Project.objects.exists()


@pytest.mark.parametrize("closed", [("dev", "/shared"), ("staging", "/empty/below"), ("prod", "/")])
def test_a_folder_that_may_not_be_read_refuses_the_copy(
    closed: tuple[str, str], filled: Project, connection_to_it: Connection
) -> None:
    filled.closed.add(closed)

    with pytest.raises(SourceError):
        prepared_for(connection_to_it, filled)


def test_a_plan_is_of_just_this_source_and_this_vault(filled: Project, connection_to_it: Connection) -> None:
    into = create_project(name="There", slug="there", environments=[("Dev", "dev")], by=ANYBODY)

    def digest() -> str:
        return prepared_for(connection_to_it, filled, into).drafted.plan.digest

    digests = [digest(), digest()]
    assert digests[0] == digests[1]
    shared = filled.environments["dev"].folders["/shared"]
    shared.secrets[0].value = "another"
    digests.append(digest())
    shared.secrets[0].comment = "another"
    digests.append(digest())
    shared.imports.append(("prod", "/"))
    digests.append(digest())
    set_secrets(folder_of(into, "dev", "/"), {"MINE": "1"}, by=ANYBODY)
    digests.append(digest())
    digests.append(prepared_for(connection_to_it, filled).drafted.plan.digest)
    assert all(one != other for one, other in pairwise(digests[1:]))


def test_a_vault_that_changed_since_the_plan_is_not_written_to(
    there: vault.Project, filled: Project, connection_to_it: Connection
) -> None:
    filled.environments["dev"].folders["/shared"].secrets[0].value = "another"
    prepared = prepared_for(connection_to_it, filled, there)
    update_secret(row_of(there, "B"), value="mine", by=ANYBODY)

    with pytest.raises(Changed) as changed:
        write(prepared, Choice(replaces=True), by=ANYBODY)

    assert marks(changed.value.prepared.drafted.plan) == {"dev:/app B": "differs", "dev:/shared REGION": "differs"}
    assert read(there, "dev", "/app")["B"] == "mine"
    assert read(there, "dev", "/shared")["REGION"] == f"{CANARY}-region"


def test_a_write_that_breaks_off_leaves_nothing_half(
    filled: Project, connection_to_it: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object) -> None:
        raise ConnectionError

    prepared = prepared_for(connection_to_it, filled)
    monkeypatch.setattr("vault.editing.contents._set_imports", break_off)

    with pytest.raises(ConnectionError):
        write(prepared, Choice(), by=ANYBODY)

    assert not vault.Project.objects.exists()
    assert not vault.Secret.objects.exists()


def test_a_large_project_is_read_by_two_requests_a_folder(
    infisical: InfisicalSandbox, edition: Edition, connection_to_it: Connection
) -> None:
    """And one for the folders of each environment; an old server tells those of each folder by itself."""
    environments = tuple(f"env-{number}" for number in range(40))
    large = infisical.world.add_project("large", environments=environments)
    for slug in environments:
        infisical.world.put(large, slug, "/app", **{f"KEY_{number}": "v" for number in range(50)})
    infisical.world.seen.clear()

    project = copied(connection_to_it, large)

    asked = [seen.path for seen in infisical.world.seen if "auth" not in seen.path and seen.status == 200]
    assert len(asked) == 1 + {Edition.NEW: 40, Edition.OLD: 40 + 80}[edition] + 80 + 80
    assert vault.Secret.objects.filter(folder__environment__project=project).count() == 2000
