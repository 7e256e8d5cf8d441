"""The file that a team keeps in git: what may stand in it, and what is told of what may not."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from django.conf import LazySettings, settings
from django.core.management import CommandError
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from connections.models import Connection
from encryption import DecryptionError
from syncs.choices import Operation, Strangers
from syncs.editing.comparison import compare
from syncs.editing.declaration import describe_all
from syncs.editing.declaration_schema import declaration_schema
from syncs.editing.document import BadDeclaration, read_document
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.syncs.conftest import API_KEY, Bench, Manage
from vault.editing import create_folder, create_project, delete_folder

SYNC = """
  - name: {name}
    project: acme-shop
    environment: dev
    path: /my-secrets
    connection: acme
    org_id: org-sandbox
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "syncs.yaml"


def entry(name: str = "my-devin-sync", *lines: str) -> str:
    return SYNC.format(name=name).strip("\n") + "".join(f"\n    {line}" for line in lines) + "\n"


def write(file: Path, *syncs: str, connections: str = "") -> str:
    file.write_text((f"connections:\n{connections}\n" if connections else "") + "syncs:\n" + "".join(syncs))
    return str(file)


# Null


@pytest.mark.parametrize(
    "line",
    ["description: null", "description:", "key_schema:", "key_schema: ~", "reconcile_minutes:", "is_enabled: null"],
)
def test_null_is_empty(sync: DevinSync, file: Path, manage: Manage, line: str) -> None:
    name = write(file, entry("my-devin-sync", line))

    assert "Nothing to change." in manage("apply", name, dry_run=True)
    assert "Nothing to change." in manage("apply", name)


def test_null_empties_a_text(sync: DevinSync, file: Path, manage: Manage) -> None:
    DevinSync.objects.update(description="old", key_schema="P_{{secretKey}}", reconcile_minutes=7)

    manage("apply", write(file, entry("my-devin-sync", "description:", "key_schema:", "reconcile_minutes:")))

    found = DevinSync.objects.get()
    assert (found.description, found.key_schema, found.reconcile_minutes) == ("", "", 7)


@pytest.mark.parametrize("text", ["", "connections:\nsyncs:\n", "connections: null\n", "{}"])
def test_an_empty_document_changes_nothing(sync: DevinSync, file: Path, manage: Manage, text: str) -> None:
    file.write_text(text)

    if text:
        assert manage("apply", str(file)) == "Nothing to change.\n"
    else:
        with pytest.raises(CommandError, match="no list of names"):
            manage("apply", str(file))


# Faults


def test_tells_all_faults_with_their_lines(sync: DevinSync, file: Path, manage: Manage) -> None:
    name = write(
        file,
        entry("my-devin-sync", "key_schema: NONE", "colour: red", "reconcile_minutes: soon"),
        entry("other").replace("/my-secrets", "/none"),
        entry("third").replace("acme-shop", "none"),
        "  - project: acme-shop\n",
        "  - text\n",
    )

    with pytest.raises(CommandError) as raised:
        manage("apply", name)

    told = str(raised.value).split("\n")
    assert [line.split(":")[0] for line in told] == ["Line 1", *[f"Line {n}" for n in (8, 9, 10, 14, 18, 23)]]
    assert [word for word in ("NONE", "soon", "red") if word in str(raised.value)] == []


def test_one_name_twice_is_told_with_both_lines(sync: DevinSync, file: Path, manage: Manage) -> None:
    for options in ({"dry_run": True}, {}):
        with pytest.raises(CommandError, match="Line 8: The sync other stands here and in line 2"):
            manage("apply", write(file, entry("other"), entry("other")), **options)
    with pytest.raises(CommandError, match="Line 3: The connection new stands here and in line 2"):
        manage("apply", write(file, connections="  - name: new\n  - name: new\n"))
    file.write_text("syncs: []\nsyncs: []\n")
    with pytest.raises(CommandError, match="Line 2: syncs stands here and in line 1"):
        manage("apply", str(file))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("description: 12", "description is no text; put it in quotes"),
        ("description: [a]", "description is no text"),
        ("is_enabled: 1", "is_enabled is no true or false"),
        ('is_enabled: "true"', "is_enabled is no true or false"),
        ("reconcile_minutes: true", "reconcile_minutes is no whole number"),
        ("reconcile_minutes: 1.5", "reconcile_minutes is no whole number"),
        ("guard_max_percent: 101", "guard_max_percent"),
        ("strangers: eat", "strangers"),
        ("previous_name: 1", "previous_name of a sync is no text"),
    ],
)
def test_a_value_of_another_kind_is_told(sync: DevinSync, file: Path, manage: Manage, line: str, told: str) -> None:
    with pytest.raises(CommandError, match=f"Line 8: .*{told}"):
        manage("apply", write(file, entry("my-devin-sync", line)))


@pytest.mark.parametrize(
    "text", ["a: [", "a: &x 1\nb: *x\n", "\tsyncs: []", "a: !!python/object:os.system {}", "a: 2026-99-99"]
)
def test_what_is_no_plain_yaml_is_told(file: Path, manage: Manage, db: None, text: str) -> None:
    file.write_text(text)

    with pytest.raises(CommandError):
        manage("apply", str(file))


def test_faults_as_json(sync: DevinSync, file: Path, capsys: Any, manage: Manage) -> None:
    with pytest.raises(SystemExit) as raised:
        manage("apply", write(file, entry("other").replace("acme\n", "none\n")), json=True)

    assert raised.value.code == 1


# Names


def test_a_renamed_sync_stays_the_same(sync: DevinSync, file: Path, manage: Manage) -> None:
    name = write(file, entry("renamed", "previous_name: my-devin-sync"))

    printed = manage("apply", name)

    assert "~ sync acme-shop/my-devin-sync\n    name: 'my-devin-sync' -> 'renamed'" in printed
    assert DevinSync.objects.get().pk == sync.pk
    assert manage("apply", name) == "Nothing to change.\n"


def test_a_renamed_connection_stays_the_same(sync: DevinSync, file: Path, manage: Manage) -> None:
    renamed = entry().replace("connection: acme", "connection: devin")
    name = write(file, renamed, connections="  - name: devin\n    previous_name: acme\n")

    manage("apply", name)

    assert Connection.objects.get().name == "devin"
    assert manage("apply", name) == "Nothing to change.\n"


def test_a_rename_onto_another_is_refused(sync: DevinSync, file: Path, manage: Manage) -> None:
    DevinSync.objects.create(
        name="other", project=sync.project, folder=sync.folder, connection=sync.connection, org_id="org-b"
    )

    with pytest.raises(CommandError, match="There are both a sync other and one named my-devin-sync"):
        manage("apply", write(file, entry("other", "previous_name: my-devin-sync")))


def test_a_second_sync_of_one_place_is_warned_of(sync: DevinSync, file: Path) -> None:
    comparison = compare(read_document(Path(write(file, entry("renamed"))).read_text()), keys={})

    (warning,) = comparison.warnings
    assert warning.line == 2
    assert "add previous_name: my-devin-sync" in warning.message
    both = compare(read_document(Path(write(file, entry(), entry("renamed"))).read_text()), keys={})
    assert "previous_name" not in both.warnings[0].message


# Pruning


def test_prunes_what_is_not_named_once_it_is_confirmed(sync: DevinSync, file: Path, manage: Manage) -> None:
    DevinSync.objects.create(
        name="other", project=sync.project, folder=sync.folder, connection=sync.connection, org_id="org-b"
    )
    Connection.objects.create(name="idle")
    name = write(file, entry())

    assert "Nothing to change." in manage("apply", name)
    planned = manage("apply", name, prune=True, dry_run=True)
    assert "- sync acme-shop/other\n- connection idle\n" in planned
    with pytest.raises(CommandError, match=r"2 would be deleted, see above\. Nothing was changed"):
        manage("apply", name, prune=True)
    assert DevinSync.objects.count() == 2

    manage("apply", name, prune=True, yes=True)

    assert [row.name for row in DevinSync.objects.all()] == ["my-devin-sync"]
    assert [row.name for row in Connection.objects.all()] == ["acme"]


def test_prunes_with_what_it_wrote_on_request(sync: DevinSync, file: Path, manage: Manage) -> None:
    file.write_text("syncs: []\n")

    manage("apply", str(file), prune=True, yes=True, remove_secrets=True)

    assert SyncRun.objects.get().operation == Operation.REMOVE
    assert DevinSync.objects.exists()


# Keys


def test_takes_a_key_from_the_environment(
    sync: DevinSync, file: Path, manage: Manage, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = "  - name: second\n    api_key_env: SECOND_KEY\n"
    name = write(file, connections=connections)
    with pytest.raises(CommandError, match="Line 3: The environment variable SECOND_KEY is not set"):
        manage("apply", name)

    monkeypatch.setenv("SECOND_KEY", "cog_canary_1")
    printed = manage("apply", name)

    assert "api_key: 'from SECOND_KEY'" in printed
    assert "canary" not in printed
    assert Connection.objects.get(name="second").has_api_key("cog_canary_1")
    assert "Nothing to change." in manage("apply", name, dry_run=True)
    monkeypatch.setenv("SECOND_KEY", "cog_canary_2")
    assert "api_key: 'another' -> 'from SECOND_KEY'" in manage("apply", name)
    assert Connection.objects.get(name="second").has_api_key("cog_canary_2")
    monkeypatch.setenv("SECOND_KEY", "canary")
    with pytest.raises(CommandError) as raised:
        manage("apply", name)
    assert "canary" not in str(raised.value)


def test_plan_says_that_there_is_no_key_yet(sync: DevinSync, manage: Manage) -> None:
    Connection.objects.update(sealed_credentials="")

    with pytest.raises(CommandError, match="has no API key yet: enter it in the admin"):
        manage("plan", "my-devin-sync")
    with pytest.raises(DecryptionError, match="has no API key yet"):
        Connection.objects.get().open_client()


# For programs


def test_ends_with_what_was_found(bench: Bench, sync: DevinSync, file: Path, manage: Manage) -> None:
    assert "Nothing to change." in manage("apply", write(file, entry()), exit_code=True)
    for options in ({"dry_run": True}, {}):
        with pytest.raises(SystemExit) as raised:
            manage("apply", write(file, entry("my-devin-sync", "description: new")), exit_code=True, **options)
        assert raised.value.code == 2
    with pytest.raises(CommandError) as refused:
        manage("apply", write(file, entry("my-devin-sync", "colour: red")), exit_code=True)
    assert refused.value.returncode == 1

    bench.source()
    assert manage("plan", "my-devin-sync", exit_code=True)
    bench.source(A="1")
    with pytest.raises(SystemExit) as planned:
        manage("plan", "my-devin-sync", exit_code=True)
    assert planned.value.code == 2


@pytest.mark.django_db(transaction=True)
def test_answers_programs_in_json(
    bench: Bench, worker: None, file: Path, manage: Manage, settings: LazySettings
) -> None:
    settings.SYNC_QUIET_TIME = timedelta(0)
    DevinSync.objects.update(auto_sync_enabled=False)
    bench.source(A="canary")

    plan = json.loads(manage("plan", "my-devin-sync", json=True))
    assert plan["changes"] == [{"action": "create", "destinationKey": "A", "reason": plan["changes"][0]["reason"]}]
    run = json.loads(manage("sync", "my-devin-sync", json=True, wait=20))
    assert (run["status"], run["created"]) == ("succeeded", 1)
    assert json.loads(manage("runs", json=True))[0]["id"] == run["id"]
    exported = manage("export", json=True)
    assert json.loads(exported) == json.loads(json.dumps(describe_all()))
    applied = json.loads(
        manage("apply", write(file, entry("my-devin-sync", "description: new")), json=True, dry_run=True)
    )
    assert applied["differences"] == [
        {
            "action": "change",
            "kind": "sync",
            "name": "acme-shop/my-devin-sync",
            "fields": [{"name": "description", "now": "", "wanted": "new"}],
        }
    ]
    assert "canary" not in json.dumps([plan, run, applied]) + exported
    assert API_KEY not in exported


# The schema, and the way around


def test_the_published_schema_is_that_of_the_code(manage: Manage) -> None:
    published = (Path(settings.BASE_DIR) / "docs" / "syncs.schema.json").read_text()

    assert json.loads(published) == declaration_schema() == json.loads(manage("export", schema=True))


def test_the_schema_fits_what_is_exported_and_refuses_what_apply_refuses(sync: DevinSync, manage: Manage) -> None:
    validator = jsonschema_rs.Draft202012Validator(declaration_schema())

    document = yaml.safe_load(manage("export"))
    assert validator.is_valid(document)
    for part in ({"colour": "red"}, {"reconcile_minutes": "soon"}, {"strangers": "eat"}, {"name": None}):
        bad = document | {"syncs": [document["syncs"][0] | part]}
        assert not validator.is_valid(bad), part


TEXTS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40
)
NAMES = st.sampled_from(["null", "true", "1", "1e3", "0x10", "2026-01-01", "no", "a-b", "off", "x" * 64])


class AnySync(TestCase):
    @hypothesis_settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(
        name=NAMES,
        slug=NAMES,
        description=TEXTS,
        options=st.fixed_dictionaries(
            {
                "key_schema": st.sampled_from(["", "P_{{secretKey}}", "{{environment}}/{{secretKey}}_-"]),
                "is_enabled": st.booleans(),
                "auto_sync_enabled": st.booleans(),
                "disable_secret_deletion": st.booleans(),
                "recursive": st.booleans(),
                "strangers": st.sampled_from(Strangers.values),
                "reconcile_minutes": st.integers(0, 10_080),
                "guard_max_deletions": st.integers(0, 100_000),
                "guard_max_percent": st.integers(0, 100),
            }
        ),
        is_gone=st.booleans(),
    )
    def test_applying_what_was_exported_changes_nothing(
        self, name: str, slug: str, description: str, options: dict[str, Any], *, is_gone: bool
    ) -> None:
        with transaction.atomic():
            project = create_project(name="Any", slug=slug, environments=[("Development", "dev")], by=ANYBODY)
            folder = create_folder(project.environments.get(slug="dev"), "/a/b", by=ANYBODY)
            connection = Connection.objects.create(name=name[:32], description=description)
            DevinSync.objects.create(
                name=name,
                description=description,
                project=project,
                folder=folder,
                connection=connection,
                org_id="org-1",
                **options,
            )
            if is_gone:
                delete_folder(folder, by=ANYBODY)

            text = yaml.safe_dump(describe_all(), sort_keys=False, allow_unicode=True)

            assert compare(read_document(text), keys={}, prunes=True).differences == []
            transaction.set_rollback(True)


# Read to their ends, they would take time by the square of the depth: of a million brackets, days.
@pytest.mark.parametrize("part", ["[", "[1, ", "{a: ", "a:\n"])
def test_no_document_is_too_deep(part: str) -> None:
    parts = (f"{' ' * number}{part}" if part.endswith("\n") else part for number in range(900))

    with pytest.raises(BadDeclaration, match="20 levels deep"):
        read_document("".join(parts))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 0x" + "1" * 5000, "Line 1: This number"),
        ("a: " + "1:" * 50_000 + "1.5", "Line 1: This number"),
        ('a:\n  - "\\0"', "Line 2: This text"),
        ('a: "\\uD800"', "Line 1: This text|not valid"),
    ],
)
def test_what_no_column_holds_is_told(text: str, told: str) -> None:
    with pytest.raises(BadDeclaration, match=told):
        read_document(text)
