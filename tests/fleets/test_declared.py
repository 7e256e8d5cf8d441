"""Sync sets in the file that a team keeps in git: told, compared, made, changed and deleted by it."""

from typing import Any

import jsonschema_rs
import pytest
import yaml
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from fleets.choices import Selection
from fleets.declared import SET_FIELDS
from fleets.editing import change_set, override
from fleets.generating import generate
from fleets.models import SyncSet
from syncs.editing import create_sync
from syncs.editing.comparison import compare
from syncs.editing.declaration import Comparison, apply, describe_all
from syncs.editing.declaration_schema import declaration_schema
from syncs.editing.document import BadDeclaration, read_document
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.fleets.conftest import CONSOLE, List, MakeSet, member_of
from tests.syncs.conftest import Manage, manage  # noqa: F401
from vault.editing import create_folder
from vault.models import Environment

Document = dict[str, Any]
OTHERS: Document = {
    "description": "Another",
    "is_enabled": False,
    "below": "{{organization}}",
    "selection": Selection.MATCHING.value,
    "chosen": ["acme", "b*"],
    "exceptions": ["Gamma", "test-*"],
    "new_organizations": "ask",
    "missing_folder": "error",
    "when_left": "remove",
    "canaries": ["org-beta"],
    "wave_size": 7,
    "max_failures": 2,
    "initial_sync_behavior": "overwrite-destination",
    "auto_sync_enabled": False,
    "disable_secret_deletion": True,
    "key_schema": "{{organization}}_{{secretKey}}",
    "only_keys": "A_*",
    "except_keys": "B_*",
    "only_tags": "devin",
    "except_tags": "local",
    "key_renames": "A=B",
    "recursive": True,
    "strangers": "leave",
    "send_comments": True,
    "reconcile_minutes": 60,
    "guard_max_deletions": 1,
    "guard_max_percent": 2,
    "guard_min_deletions": 4,
    "approval": "writes",
}


@pytest.fixture
def each(make_set: MakeSet, devin_lists: List) -> SyncSet:
    """Of three organizations, of which one may not lose a secret."""
    devin_lists("Acme", "Beta", "Gamma")
    made = make_set(selection=Selection.LISTED, chosen="Acme\norg-beta\norg-gamma", wave_size=1)
    override(member_of(made, "gamma").pk, {"disable_secret_deletion": True}, by=CONSOLE)
    made.refresh_from_db()
    return made


def compared(document: Document | str, **wishes: Any) -> Comparison:
    text = document if isinstance(document, str) else yaml.safe_dump(document, sort_keys=False)
    return compare(read_document(text), keys={}, **wishes)


def faults(document: Document | str) -> list[str]:
    with pytest.raises(BadDeclaration) as refused:
        compared(document)
    return [str(fault) for fault in refused.value.faults]


def fields(document: Document) -> dict[str, tuple[Any, Any]]:
    """Of the one difference, now and wanted by name."""
    (difference,) = compared(document).differences
    return {name: (now, wanted) for name, now, wanted in difference.fields}


# Told


def test_tells_what_a_set_says_with_the_names_of_its_organizations(each: SyncSet, manage: Manage) -> None:  # noqa: F811
    printed = manage("export")

    (told,) = yaml.safe_load(printed)["sets"]
    assert (told["project"], told["path"], told["connection"]) == ("acme-shop", "/orgs", "enterprise")
    assert told["overrides"] == [{"org_id": "org-gamma", "disable_secret_deletion": True}]
    for line in ("  - org-acme  # Acme", "  - org_id: org-gamma  # Gamma"):
        assert line in printed.splitlines()
    assert "core-acme" not in printed


def test_the_schema_fits_what_is_told_and_refuses_what_apply_refuses(each: SyncSet) -> None:
    validator = jsonschema_rs.Draft202012Validator(declaration_schema())

    document = describe_all()
    assert validator.is_valid(document)
    bad: tuple[Document, ...] = ({"chosen": "a"}, {"wave_size": -1}, {"colour": 1}, {"overrides": [{"name": "a"}]})
    for part in bad:
        assert not validator.is_valid(document | {"sets": [document["sets"][0] | part]}), part


def test_an_empty_installation_becomes_what_was_told(each: SyncSet) -> None:
    change_set(each.pk, {name: _as_column(value) for name, value in STEADY.items()}, by=CONSOLE)
    told = describe_all()
    each.members.all().delete()
    each.delete()
    DevinSync.objects.all().delete()
    Connection.objects.all().delete()

    apply(compared(told), by=CONSOLE)

    assert describe_all() == told
    made = SyncSet.objects.get()
    assert generate(made.pk) == 3
    assert compared(told, prunes=True).differences == []


TOLD_BESIDE = {"organizations", "organizations that come", "organizations that leave"}
# All but which organizations it takes, and what asks the connection for names.
STEADY = {name: value for name, value in OTHERS.items() if name not in ("selection", "chosen", "below")}


def _as_column(value: Any) -> Any:
    return "\n".join(value) if isinstance(value, list) else value


# Compared and applied


def test_what_is_there_is_no_change_and_costs_no_write(each: SyncSet) -> None:
    told = describe_all()

    with CaptureQueriesContext(database) as asked:
        comparison = compared(told, prunes=True)
        apply(comparison, by=CONSOLE)

    assert comparison == Comparison([], [])
    assert [query["sql"] for query in asked if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))] == []


def test_each_field_that_changes_alone_is_one_difference_and_is_applied(each: SyncSet) -> None:
    assert OTHERS.keys() == set(SET_FIELDS)
    for name, other in OTHERS.items():
        told = describe_all()
        if told["sets"][0][name] == other:
            continue
        told["sets"][0][name] = other
        comparison = compared(told)
        (difference,) = comparison.differences
        assert {field for field, _, _ in difference.fields} - TOLD_BESIDE == {name}
        apply(comparison, by=CONSOLE)
        assert describe_all()["sets"][0][name] == other
        assert compared(told).differences == []
    assert SyncSet.objects.get().version > len(OTHERS) - 5


def test_a_set_is_renamed_and_tells_how_many_organizations_it_gains_or_loses(each: SyncSet) -> None:
    told = describe_all()
    told["sets"][0] |= {"name": "base", "previous_name": "core", "exceptions": ["beta"]}

    assert fields(told)["name"] == ("core", "base")
    assert fields(told)["organizations"] == (3, 2)
    assert fields(told)["organizations that leave"] == (["Beta (org-beta)"], [])
    apply(compared(told), by=CONSOLE)

    assert SyncSet.objects.get().name == "base"
    assert compared(told).differences == []
    assert [entry.change_message for entry in LogEntry.objects.filter(object_repr="base")] == [
        "Changed exceptions, name on the command line."
    ]


def test_which_organizations_come_and_go_is_told_where_they_stay_as_many(each: SyncSet) -> None:
    told = describe_all()
    told["sets"][0]["chosen"] = ["Acme", "org-beta"]
    apply(compared(told), by=CONSOLE)
    told["sets"][0]["chosen"] = ["Acme", "Gamma"]

    said = fields(told)

    assert said["organizations that come"] == ([], ["Gamma (org-gamma)"])
    assert said["organizations that leave"] == (["Beta (org-beta)"], [])
    assert "organizations" in said, "as many as before, and others"


def test_a_line_that_no_organization_is_like_is_a_note_at_its_set(each: SyncSet) -> None:
    told = describe_all()
    told["sets"][0]["exceptions"] = ["Betta"]

    (note,) = compared(told).warnings

    assert "The sync set core: The connection lists no organization like “Betta”" in note.message
    assert note.line
    told["sets"][0]["exceptions"] = ["Beta"]
    assert compared(told).warnings == []


def test_of_many_organizations_some_are_named(each: SyncSet, devin_lists: List) -> None:
    devin_lists(*(f"Org {number:02}" for number in range(25)))
    told = describe_all()
    told["sets"][0] |= {"selection": "all", "chosen": []}

    _, comes = fields(told)["organizations that come"]

    assert (comes[0], len(comes), comes[-1]) == ("Org 00 (org-org00)", 21, "and 5 more")


def test_an_organization_is_named_by_its_id_or_name(each: SyncSet) -> None:
    told = describe_all()
    told["sets"][0] |= {"chosen": ["Acme", "Beta", "org-gamma"], "canaries": ["Beta"]}
    told["sets"][0]["overrides"] = [{"organization": "Gamma", "disable_secret_deletion": True}]

    assert fields(told) == {"canaries": ([], ["org-beta"])}


def test_what_holds_for_one_organization_alone_comes_and_goes(each: SyncSet) -> None:
    told = describe_all()
    told["sets"][0]["overrides"] = [{"org_id": "org-acme", "is_enabled": False}, {"org_id": "org-new"}]

    comparison = compared(told)
    assert fields(told) == {
        "overrides of org-acme": ({}, {"is_enabled": False}),
        "overrides of org-gamma": ({"disable_secret_deletion": True}, {}),
    }
    assert [str(warning) for warning in comparison.warnings] == [
        f"Line {_line_of(told, 'org-new')}: The sync set core takes no organization org-new now, so what is said of it "
        "alone is left out. Apply again once it does."
    ]
    version = each.version
    apply(comparison, by=CONSOLE)

    assert dict(each.members.values_list("slug", "overrides")) == {
        "acme": {"is_enabled": False},
        "beta": {},
        "gamma": {},
    }
    assert SyncSet.objects.get().version == version
    del told["sets"][0]["overrides"]
    assert compared(told).differences == []


def _line_of(document: Document, word: str) -> int:
    lines = yaml.safe_dump(document, sort_keys=False).splitlines()
    return next(number for number, line in enumerate(lines, start=1) if word in line)


def test_a_set_that_somebody_has_changed_meanwhile_stays(each: SyncSet) -> None:
    told = describe_all()
    told["sets"][0]["wave_size"] = 5
    comparison = compared(told)
    change_set(each.pk, {"max_failures": 1}, by=CONSOLE)

    with pytest.raises(BadDeclaration) as refused:
        apply(comparison, by=CONSOLE)

    (fault,) = refused.value.faults
    assert fault.line == _line_of(told, "name: core")
    assert "The sync set acme-shop/core stays as it is. Somebody else has changed the set" in fault.message
    assert SyncSet.objects.get().wave_size == 1


def test_what_somebody_has_said_of_one_organization_meanwhile_stays(each: SyncSet) -> None:
    told = describe_all()
    told["sets"][0] |= {"wave_size": 5, "overrides": []}
    comparison = compared(told)
    override(member_of(each, "gamma").pk, {"reconcile_minutes": 7}, by=CONSOLE)

    with pytest.raises(BadDeclaration, match="Somebody else has changed what holds for org-gamma alone"):
        apply(comparison, by=CONSOLE)

    assert SyncSet.objects.get().wave_size == 1
    assert member_of(each, "gamma").overrides == {"disable_secret_deletion": True, "reconcile_minutes": 7}


# Faults

HEAD = "sets:\n- name: core\n  project: acme-shop\n"
BAD = {
    "chosen: acme": "chosen is no list of texts",
    "exceptions: [1]": "exceptions is no list of texts",
    "chosen: [Unknown]": "“Unknown”: Connection “enterprise” knows no organization of this name",
    "canaries: [acme-*]": "“acme-*”",
    "chosen: []": "Name the organizations",
    "selection: some": "selection",
    "wave_size: many": "wave_size is no whole number",
    "when_left: eat": "when_left",
    "below: /../a": "below",
    "key_schema: NONE": "exactly once",
    "path: /none": "There is no folder /none",
    "connection: none": "names the connection 'none'",
    "source_connection: none": "is kept in the vault",
    "colour: red": "A sync set has colour",
    "overrides: 1": "“overrides” of the sync set core is no list",
    "overrides: [1]": "One of the overrides is no list of names",
    "overrides: [{is_enabled: false}]": "name no organization",
    "overrides: [{organization: Nobody}]": "knows no organization of this name",
    "overrides: [{org_id: org-acme, is_enabled: false}, {org_id: org-acme, is_enabled: false}]": "org-acme twice",
    "overrides: [{org_id: org-acme, guard_max_percent: 101}]": "guard_max_percent",
    "overrides: [{org_id: org-acme, is_enabled: 0}]": "is_enabled: This is no true or false",
    "overrides: [{org_id: org-acme, wave_size: 1}]": "has wave_size",
}


def test_says_what_is_wrong_at_its_line(each: SyncSet) -> None:
    for line, told in BAD.items():
        (fault,) = faults(f"{HEAD}  {line}\n")
        assert fault.startswith("Line 4: "), line
        assert told in fault, line
    assert "Line 3: The sync set core names the project 'none'" in faults(HEAD.replace("acme-shop", "none"))[0]
    twice = faults(f"{HEAD}- name: core\n  project: acme-shop\n")
    assert twice == ["Line 4: The sync set core stands here and in line 2. Keep one of them."]
    (missing,) = faults(HEAD.replace("core", "new"))
    assert missing == "Line 2: The sync set new has no environment, path, connection. Add it."


def test_a_sync_that_a_set_makes_is_none_of_the_document(each: SyncSet) -> None:
    told = "The sync core-acme is made by a sync set, so it is changed there. Take it out of “syncs”."
    for name, line in {"name: core-acme": 3, "name: other\n  previous_name: core-acme": 4}.items():
        text = f"syncs:\n- project: acme-shop\n  {name}\n  reconcile_minutes: 7\n"
        assert faults(text) == [f"Line {line}: {told}"]
    assert compared("syncs: []\n", prunes=True).deletions == []


# Pruned


def test_a_file_that_tells_of_no_sets_prunes_none_and_keeps_their_connections(each: SyncSet) -> None:
    Connection.objects.create(name="idle")
    later = Connection.objects.create(name="later")
    SyncSet.objects.filter(pk=each.pk).update(connection=later)

    # The syncs write through the one still, and are to write through the other.
    assert [each.name for each in compared("connections: []\n", prunes=True).deletions] == ["idle"]


def test_prunes_a_set_with_its_syncs_and_leaves_their_secrets(each: SyncSet, manage: Manage, tmp_path: Any) -> None:  # noqa: F811
    file = tmp_path / "syncs.yaml"
    file.write_text("connections:\n- name: enterprise\nsets: []\n")

    planned = manage("apply", str(file), prune=True, dry_run=True)
    assert "- sync set acme-shop/core\n    syncs: 3 -> 0\n" in planned
    with pytest.raises(CommandError, match="1 would be deleted"):
        manage("apply", str(file), prune=True)
    assert DevinSync.objects.filter(set_id=each.pk).count() == 3
    manage("apply", str(file), prune=True, yes=True)

    assert not SyncSet.objects.exists()
    assert not DevinSync.objects.exists()
    assert not SyncRun.objects.filter(operation="remove").exists()
    assert "Nothing to change." in manage("apply", str(file), prune=True)


def test_prunes_with_the_secrets_on_request_alone(each: SyncSet) -> None:
    wishes = {"prunes": True, "removes_secrets": True}

    comparison = compared("sets: []\n", **wishes)
    assert [each.kind for each in comparison.deletions] == ["sync set"]
    apply(comparison, by=CONSOLE, removes_secrets=True)

    assert SyncSet.objects.get().is_ending
    assert DevinSync.objects.count() == 3
    assert describe_all()["sets"] == []
    assert compared("sets: []\n", **wishes).differences == []


def test_a_connection_that_something_unseen_uses_stays(each: SyncSet, environment: Environment) -> None:
    comparison = compared("sets: []\n", prunes=True)
    folder = create_folder(environment, "/other", by=ANYBODY)
    late = DevinSync(name="late", project=folder.environment.project, connection=each.connection, org_id="org-acme")
    late.folder = folder
    create_sync(late, by=CONSOLE)

    with pytest.raises(BadDeclaration, match="The connection enterprise stays as it is"):
        apply(comparison, by=CONSOLE)

    assert SyncSet.objects.exists()
