"""The command line over REST, against a live server, as a runner without database and keys has it."""

import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.contrib.auth.models import Group
from packaging.requirements import Requirement
from pytest_django.live_server_helper import LiveServer

from accounts.roles import ADMINISTRATOR
from api.models import ApiToken, MachineIdentity
from connections.models import Connection
from sandbox.organization import Organization as SandboxOrganization
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.api.conftest import (  # noqa: F401 - fixtures
    Caller,
    _quick,
    connection,
    editor,
    folder,
    make_caller,
    make_user,
    organization,
    project,
    queue,
    sandbox,
    sync,
    worker,
)
from tests.launcher.package_index import pins, version_of
from tests.patience import PATIENCE
from vault.editing import add_import, create_folder, set_secrets
from vault.models import Folder

CLIENT = Path(settings.BASE_DIR) / "client"
SYNC = """
syncs:
  - name: my-devin-sync
    project: acme-shop
    environment: dev
    path: /my-secrets
    connection: my-devin-connection
    org_id: org-sandbox
    auto_sync_enabled: false
"""


class Client:
    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PYTHONPATH": str(CLIENT),
            "NO_PROXY": "*",
        } | environment

    def run(self, *arguments: object, status: int = 0, said: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "devinsync", *map(str, arguments)],
            env=self.environment,
            input=said,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == status, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout + done.stderr


@pytest.fixture
def client(live_server: LiveServer, tmp_path: Path, sync: DevinSync) -> Client:  # noqa: F811
    token = ApiToken.issue(make_user("runner", ADMINISTRATOR), "runner")[1]
    return Client(tmp_path, DEVINSYNC_URL=live_server.url, DEVINSYNC_TOKEN=token)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "syncs.yaml"
    file.write_text(SYNC)
    return file


def test_plans_and_applies_a_file(client: Client, file: Path) -> None:
    assert "auto_sync_enabled: True -> False" in client.run("plan", file, "--exit-code", status=2)
    assert DevinSync.objects.get().auto_sync_enabled

    assert "~ sync acme-shop/my-devin-sync" in client.run("apply", file)

    assert not DevinSync.objects.get().auto_sync_enabled
    assert client.run("apply", file, "--exit-code") == "Nothing to change.\n"
    file.write_text(client.run("export"))
    assert client.run("plan", file, "--prune", "--exit-code") == "Nothing to change.\n"


def test_shows_the_plan_of_each_sync_of_a_file(client: Client, file: Path) -> None:
    file.write_text(SYNC + '    key_schema: "SHOP_{{secretKey}}"\n')

    for arguments in (("plan", file), ("apply", file, "--dry-run")):
        told = client.run(*arguments)
        assert "    + create SHOP_DB_URL  (new in the source)\n" in told
        assert "2 to create" in told
        assert "k-123" not in told
    (plan,) = json.loads(client.run("plan", file, "--json"))["plans"]
    assert plan["plan"]["counts"]["create"] == 2
    assert DevinSync.objects.get().key_schema == ""


def test_says_why_a_sync_of_a_file_has_no_plan(client: Client, file: Path) -> None:
    Connection.objects.update(sealed_credentials="")

    assert "! The plan could not be calculated. " in client.run("apply", file, "--dry-run")


def test_tells_all_faults_with_their_lines(client: Client, file: Path) -> None:
    file.write_text(SYNC.replace("acme-shop", "none") + "    colour: red\n")

    told = client.run("apply", file, "--exit-code", status=1)

    assert "Line 4: The sync my-devin-sync names the project 'none'" in told
    assert "Line 10: A sync has colour" in told


def test_deletes_what_was_confirmed_alone(client: Client, file: Path) -> None:
    file.write_text("syncs: []\n")

    assert "- sync acme-shop/my-devin-sync" in client.run("apply", file, "--prune", status=1)
    assert DevinSync.objects.exists()
    client.run("apply", file, "--prune", "--yes")

    assert not DevinSync.objects.exists()


def test_takes_keys_from_its_own_environment(client: Client, file: Path) -> None:
    file.write_text("connections:\n  - name: second\n    api_key_env: SECOND_KEY\n")
    assert "Line 3: The environment variable SECOND_KEY is not set" in client.run("apply", file, status=1)

    client.environment["SECOND_KEY"] = "cog_canary_1"
    told = client.run("apply", file) + client.run("apply", file, "--json")

    assert Connection.objects.get(name="second").has_api_key("cog_canary_1")
    assert "canary" not in told


def test_a_file_that_grows_by_itself_is_not_followed(client: Client, file: Path) -> None:
    """Each line merges the one above twice: 2 to the power of 60, for whoever follows it."""
    lines = [f"l{number}: &l{number}\n  <<: [*l{number - 1}, *l{number - 1}]" for number in range(1, 60)]
    file.write_text("\n".join(["l0: &l0", "  a: 1", *lines, "connections: []"]))

    assert "The document has aliases (*name). Write out what they stand for." in client.run("apply", file, status=1)


def test_syncs_and_lists_runs(client: Client, worker: None, organization: SandboxOrganization) -> None:  # noqa: F811
    assert "create DB_URL" in client.run("plan", "acme-shop/my-devin-sync", "--exit-code", status=2)
    assert "succeeded" in client.run("sync", "my-devin-sync", "--wait", 20)

    assert organization.values() == {"DB_URL": "postgres://db", "API_KEY": "k-123"}
    (run,) = json.loads(client.run("runs", "my-devin-sync", "--json"))
    assert run["outcome"] == "succeeded"
    assert "There is no sync none" in client.run("sync", "none", status=1)


def test_runs_a_command_with_the_secrets(client: Client, folder: Folder) -> None:  # noqa: F811
    shared = create_folder(folder.environment, "/shared", by=ANYBODY)
    set_secrets(shared, {"REGION": "eu", "API_KEY": "shadowed"}, by=ANYBODY)
    set_secrets(folder, {"URL": "https://${API_KEY}"}, by=ANYBODY)
    add_import(folder, shared, by=ANYBODY)
    place = ("--project", "acme-shop", "--env", "dev", "--path", "/my-secrets")
    program = (
        "import os, sys; print(os.environ['URL'], os.environ['REGION'], 'DEVINSYNC_TOKEN' in os.environ); sys.exit(7)"
    )

    told = client.run("run", *place, "--", sys.executable, "-c", program, status=7)

    assert told == "https://k-123 eu False\n"
    set_secrets(folder, {"DEAD": "${NONE}"}, by=ANYBODY)
    assert "References in DEAD lead nowhere" in client.run("run", *place, "--", "true", status=1)


def test_logs_in_and_keeps_the_token_for_its_owner_alone(client: Client, live_server: LiveServer) -> None:
    token = client.environment.pop("DEVINSYNC_TOKEN")
    del client.environment["DEVINSYNC_URL"]
    assert "Log in first" in client.run("export", status=1)
    assert "answered 401" in client.run("login", live_server.url, said="wrong\n", status=1)

    told = client.run("login", live_server.url, said=f"{token}\n")

    (kept,) = client.home.rglob("credentials.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert token not in told
    assert yaml.safe_load(client.run("export"))["syncs"][0]["name"] == "my-devin-sync"


def test_logs_in_as_a_machine_identity(client: Client) -> None:
    identity = MachineIdentity.objects.create(name="ci", role=Group.objects.get(name=ADMINISTRATOR))
    del client.environment["DEVINSYNC_TOKEN"]
    client.environment |= {
        "DEVINSYNC_CLIENT_ID": str(identity.client_id),
        "DEVINSYNC_CLIENT_SECRET": identity.add_secret()[1] + "\n",
    }

    assert "my-devin-sync" in client.run("export")


def test_sends_no_token_in_the_clear(client: Client) -> None:
    client.environment["DEVINSYNC_URL"] = "http://devinsync.example.com"

    assert "no https:// address" in client.run("export", status=1)


@pytest.mark.django_db
def test_applying_needs_each_right(editor: Caller, sync: DevinSync) -> None:  # noqa: F811
    base = "/api/v1/sync-declaration"
    connections = {"document": "connections:\n  - name: second\n"}

    assert editor.post(f"{base}/plan", connections)["differences"][0]["action"] == "create"
    editor.post(f"{base}/apply", connections, status=403)
    editor.post(f"{base}/plan", connections | {"keys": {"KEY": "cog_1"}}, status=403)
    narrow = make_caller(make_user("narrow", ADMINISTRATOR), scopes=["syncs:read", "connections:read", "syncs:write"])
    narrow.post(f"{base}/apply", {"document": SYNC}, status=403)
    doomed = {"document": "syncs: []\n", "prune": True}
    assert "which is not what was confirmed" in editor.post(f"{base}/apply", doomed, status=400)["message"]
    assert DevinSync.objects.get().auto_sync_enabled


def test_the_action_is_whole_and_pinned() -> None:
    action: dict[str, Any] = yaml.safe_load((CLIENT / "action" / "action.yml").read_text())
    pinned = {pin.name: version_of(pin) for pin in pins(CLIENT / "action" / "requirements.txt")}
    package = tomllib.loads((CLIENT / "pyproject.toml").read_text())
    needed = [Requirement(text) for text in package["project"]["dependencies"] + package["build-system"]["requires"]]

    assert action["runs"]["using"] == "composite"
    assert {each.name for each in needed} == {"requests", "pyyaml", "setuptools"}
    assert all(pinned[each.name] in each.specifier for each in needed)
    assert [step["name"] for step in action["runs"]["steps"]] == ["Install devinsync", "Plan", "Apply"]
    # An input within a script would be a script of whoever wrote the pull request.
    assert all("${{" not in step["run"] for step in action["runs"]["steps"])
    for name in ("plan.sh", "apply.sh"):
        subprocess.run(["bash", "-n", str(CLIENT / "action" / name)], check=True)


def test_the_action_comments_the_plan(client: Client, file: Path, tmp_path: Path) -> None:
    tools, runner = tmp_path / "tools", tmp_path / "runner" / "devinsync" / "bin"
    for folder_ in (tools, runner):
        folder_.mkdir(parents=True)
    (tools / "gh").write_text(
        f'#!/bin/bash\nwhile [ "$1" != --body-file ]; do shift; done\ncp "$2" {tmp_path}/comment\n'
    )
    (runner / "devinsync").write_text(f'#!/bin/bash\nexec {sys.executable} -m devinsync "$@"\n')
    for program in (tools / "gh", runner / "devinsync"):
        program.chmod(0o755)
    environment = client.environment | {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path / "runner"),
        "FILE": str(file),
        "PRUNE": "false",
        "PULL_REQUEST": "1",
        "GITHUB_REPOSITORY": "acme/shop",
    }

    subprocess.run(["bash", str(CLIENT / "action" / "plan.sh")], env=environment, check=True, timeout=PATIENCE)
    assert "auto_sync_enabled: True -> False" in (tmp_path / "comment").read_text()
    subprocess.run(["bash", str(CLIENT / "action" / "apply.sh")], env=environment, check=True, timeout=PATIENCE)
    assert not DevinSync.objects.get().auto_sync_enabled
    file.write_text("syncs: [")
    failed = subprocess.run(
        ["bash", str(CLIENT / "action" / "plan.sh")], env=environment, check=False, timeout=PATIENCE
    )
    assert failed.returncode == 1
    assert "not valid YAML" in (tmp_path / "comment").read_text()
