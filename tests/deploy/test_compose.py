"""compose.yaml: it gives every program what it needs, and nothing more."""

import base64
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import environ
import pytest
from django.conf import settings
from django.core.management import get_commands

from common.environment import IN_FILES
from common.version import VERSION
from tests.deploy.compose import Service, document, in_order, read_services
from tests.deploy.dockerfile import ROOT, read_stages, variables_of
from tests.patience import PATIENCE

SERVICES = read_services()
EVERY = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
OURS = pytest.mark.parametrize("service", [one for one in SERVICES.values() if one.is_ours], ids=lambda one: one.name)
PINNED = re.compile(r"[a-z/]+:\d+\.\d+(\.\d+)?-[a-z0-9.]+@sha256:[0-9a-f]{64}")
MAKE_SECRETS = ROOT / "deploy" / "make-secrets"


@EVERY
def test_may_nothing_that_it_need_not(service: Service) -> None:
    given = service.given

    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert given["user"] not in ("", "root", "0", "0:0")
    assert given["pids_limit"] > 0
    assert service.memory > 0
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(given)


@EVERY
def test_its_image_is_one_that_does_not_change(service: Service) -> None:
    if service.is_ours:
        assert service.given["image"] == f"devinsync:{VERSION}"
        assert service.given["user"] == read_stages()[-1].last("USER").text
    else:
        assert PINNED.fullmatch(service.given["image"])


@EVERY
def test_every_secret_is_a_file_that_it_is_given(service: Service) -> None:
    named = {name: value for name, value in service.environment.items() if name.endswith("_FILE")}

    assert {value.removeprefix("/run/secrets/") for value in named.values()} <= set(service.given["secrets"])
    assert not IN_FILES & set(service.environment)
    assert not [name for name in set(service.environment) - set(named) if re.search("PASSWORD$|KEY$|TOKEN$", name)]


@OURS
def test_its_settings_may_be_in_files_and_are_all_that_it_needs(service: Service) -> None:
    in_files = {name.removesuffix("_FILE") for name in service.environment}

    assert in_files <= IN_FILES
    assert {"SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL"} <= in_files
    assert service.given["env_file"] == [{"path": "devinsync.env", "required": False}]


@OURS
def test_its_command_exists(service: Service) -> None:
    assert service.command == ["python", "manage.py", {"web": "serve"}.get(service.name, service.name)]
    assert service.command[-1] in get_commands()


@pytest.mark.parametrize("name", ["web", "worker", "scheduler"])
def test_a_program_starts_once_the_database_is_prepared(name: str) -> None:
    assert SERVICES[name].waits_for == {
        "postgres": "service_healthy",
        "valkey": "service_healthy",
        "prepare": "service_completed_successfully",
    }


def test_the_stores_are_reached_by_nobody_else() -> None:
    assert document()["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "valkey", "prepare", "scheduler"):
        assert SERVICES[name].given["networks"] == ["inside"]
    assert [name for name, service in SERVICES.items() if "ports" in service.given] == ["web"]
    assert SERVICES["web"].given["ports"] == ["${LISTEN:-127.0.0.1:8000}:8000"]


@EVERY
def test_it_is_looked_after(service: Service) -> None:
    if service.name == "prepare":
        assert (service.is_checked, service.given["restart"]) == (False, "no")
    else:
        assert service.is_checked
        assert service.given["restart"] == "unless-stopped"
    assert service.is_ours or service.check


def test_a_worker_has_time_for_its_writes_and_room_for_its_memory() -> None:
    worker = SERVICES["worker"]

    assert worker.replicas > 1
    # By its defaults; the settings of the tests have no hurry.
    assert worker.grace > 8 + 18
    assert worker.memory >= 1.5 * settings.WORKER_MEMORY_MB * 1024 * 1024


def test_every_mount_and_secret_is_declared_and_used() -> None:
    whole = document()

    assert {name for one in SERVICES.values() for name in one.volumes.values()} == set(whole["volumes"])
    assert {name for one in SERVICES.values() for name in one.given["secrets"]} == set(whole["secrets"])


def test_a_sign_of_life_goes_to_where_each_has_a_place_of_its_own() -> None:
    stages = read_stages()
    sign = Path(variables_of(stages, stages[-1])["LIFE_SIGN"])

    assert [name for name, one in SERVICES.items() if one.is_ours and str(sign.parent) not in one.tmpfs] == []


def test_services_come_after_those_that_they_wait_for() -> None:
    names = [service.name for service in in_order(SERVICES)]

    assert names.index("prepare") < min(names.index(name) for name in ("web", "worker", "scheduler"))
    with pytest.raises(ValueError, match="wait for one another"):
        in_order({name: Service(name, {"depends_on": {"a": {"condition": "service_started"}}}) for name in "ab"})


def make_secrets(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", str(MAKE_SECRETS), str(folder)],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def read_folder(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text().removesuffix("\n") for path in folder.iterdir()}


def test_makes_the_secrets_that_are_mounted(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"

    ended = make_secrets(folder)

    made = read_folder(folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert set(made) == set(document()["secrets"])
    assert {name: one["file"] for name, one in document()["secrets"].items()} == {
        name: f"./secrets/{name}" for name in made
    }
    assert not [value for value in made.values() if value in ended.stdout or "\n" in value]
    assert len(base64.b64decode(made["encryption_keys"])) == 32
    database: dict[str, Any] = environ.Env.db_url_config(made["database_url"])
    wanted = SERVICES["postgres"].environment
    assert (database["HOST"], database["PORT"]) == ("postgres", 5432)
    assert (database["USER"], database["NAME"]) == (wanted["POSTGRES_USER"], wanted["POSTGRES_DB"])
    assert database["PASSWORD"] == made["database_password"]
    queue_password = made["queue_conf"].removeprefix("requirepass ")
    assert made["queue_url"] == f"redis://:{queue_password}@valkey:6379/0"
    assert len({made["secret_key"], made["encryption_keys"], made["administrator_password"], queue_password}) == 4


def test_keeps_others_out_by_the_folder_and_lets_the_containers_read(tmp_path: Path) -> None:
    make_secrets(tmp_path / "secrets")

    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o444}


def test_replaces_no_secret(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    (tmp_path / "queue_url").unlink()
    before = read_folder(tmp_path)

    again = make_secrets(tmp_path)

    assert again.returncode == 1
    assert "nothing was made" in again.stderr
    assert read_folder(tmp_path) == before


def test_leads_to_stores_that_are_elsewhere(tmp_path: Path) -> None:
    make_secrets(tmp_path, DATABASE_HOST="db.internal", QUEUE_HOST="127.0.0.1")

    made = read_folder(tmp_path)
    assert "@db.internal:5432/" in made["database_url"]
    assert "@127.0.0.1:6379/" in made["queue_url"]
