"""Organizations by name in documents: taken where one has it, refused at their line else, told by `export`."""

import pytest
import yaml

from connections.models import Connection, Organization
from syncs.editing.comparison import compare
from syncs.editing.document import BadDeclaration, read_document
from syncs.models import DevinSync
from tests.syncs.conftest import Manage

HEAD = "syncs:\n- name: my-devin-sync\n  project: acme-shop\n"
NEW = "  environment: dev\n  path: /my-secrets\n  connection: acme\n"


@pytest.fixture(autouse=True)
def _named(sync: DevinSync, connection: Connection) -> None:
    named = {"org-pay": "Payments", "org-a": "Twice", "org-b": "Twice", "org-hash": "R&D: #1", "org-sandbox": "org-pay"}
    rows = [Organization(connection=connection, org_id=org_id, name=name) for org_id, name in named.items()]
    Organization.objects.bulk_create(rows)


def faults(text: str) -> list[str]:
    with pytest.raises(BadDeclaration) as refused:
        compare(read_document(text), keys={})
    return [str(fault) for fault in refused.value.faults]


@pytest.mark.parametrize("named", ["organization: Payments", "org_id: org-pay\n  organization: Payments"])
def test_a_name_stands_for_the_id(named: str) -> None:
    (difference,) = compare(read_document(f"{HEAD}  {named}\n"), keys={}).differences

    assert difference.fields == [("org_id", "org-sandbox", "org-pay")]


def test_a_new_sync_is_made_by_a_name(manage: Manage, sync: DevinSync) -> None:
    text = f"{HEAD.replace('my-devin-sync', 'new')}{NEW}  organization: 'R&D: #1'\n"

    (difference,) = compare(read_document(text), keys={}).differences

    assert ("org_id", "", "org-hash") in difference.fields


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("organization: Twice", "several organizations of this name. Enter the ID of one: org-a, org-b"),
        ("organization: Unknown", "knows no organization of this name"),
        ("organization: payments", "knows no organization of this name"),
        ("organization: Payments\n  org_id: org-a", "is org-pay, which org_id contradicts"),
        ("organization: 7", "put it in quotes"),
        ("organization: [Payments]", "put it in quotes"),
    ],
)
def test_another_name_is_refused_at_its_line(named: str, told: str) -> None:
    (fault,) = faults(f"{HEAD}  {named}\n")

    assert fault.startswith("Line 4: The sync my-devin-sync cannot be as it says. organization: ")
    assert told in fault


def test_what_is_an_id_is_never_a_name(sync: DevinSync) -> None:
    (difference,) = compare(read_document(f"{HEAD}  organization: org-pay\n"), keys={}).differences

    assert difference.fields == [("org_id", "org-sandbox", "org-pay")]


def test_one_that_is_gone_has_no_name_any_more(connection: Connection) -> None:
    Organization.objects.filter(org_id="org-a").update(gone_at="2026-01-01T00:00:00Z")

    (difference,) = compare(read_document(f"{HEAD}  organization: Twice\n"), keys={}).differences

    assert difference.fields[0][2] == "org-b"


def test_export_tells_names_as_comments(sync: DevinSync, manage: Manage) -> None:
    DevinSync.objects.update(org_id="org-hash", description="of two lines\n  org_id: of a text")
    DevinSync.objects.create(
        name="another", project=sync.project, folder=sync.folder, connection=sync.connection, org_id="org-unnamed"
    )

    printed = manage("export")

    assert [line for line in printed.splitlines() if line.startswith("  org_id:")] == [
        "  org_id: org-unnamed",
        "  org_id: org-hash  # R&D: #1",
    ]
    assert compare(yaml.safe_load(printed), keys={}).differences == []
