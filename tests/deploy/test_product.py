"""The manifests say of the product what is so: its commands, settings, ports, probes, user and version."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import get_commands
from django.test import Client

from common.environment import IN_FILES, may_be_in_file
from common.version import VERSION
from metrics.gauges import OLDEST
from tests.deploy.manifests import ROOT, Manifest, containers_of, kustomize_with, pods_of
from tests.deploy.test_kustomize import COMPONENTS
from tests.test_documentation import settings_read

USER = 10001
SECRETS = Path("/run/secrets")
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
# Mebibytes of the process that watches over a worker, see docs/scaling.md.
WATCHER = 128


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    return kustomize_with(COMPONENTS, tmp_path_factory.mktemp("all"))


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    found = [manifest for manifest in manifests if manifest["kind"] == kind]
    assert found
    return found


def variables_of(container: Manifest) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container.get("env", ())}


def test_every_process_has_its_pod(manifests: list[Manifest]) -> None:
    assert sorted(name for name, _ in pods_of(manifests)) == ["backup", "prepare", "scheduler", "web", "worker"]


def test_every_command_exists(manifests: list[Manifest]) -> None:
    texts = [" ".join(container["command"]) for container in containers_of(manifests)]
    commands = {name for text in texts for name in re.findall(r"python manage\.py ([a-z_]+)", text)}

    assert commands == {"backup", "prepare", "prepared", "scheduler", "serve", "worker"}
    assert commands <= set(get_commands())


def test_every_setting_exists(manifests: list[Manifest]) -> None:
    known = {*settings_read(), *(f"{name}_FILE" for name in IN_FILES), "KEEP_DAYS"}

    given = {name for container in containers_of(manifests) for name in variables_of(container)}
    given |= {name for settings in of_kind(manifests, "ConfigMap") for name in settings["data"]}

    assert {name for name in given - known if not may_be_in_file(name.removesuffix("_FILE"))} == set()


def test_every_secret_comes_as_a_file_that_is_there(manifests: list[Manifest]) -> None:
    for _, pod in pods_of(manifests):
        items = {
            volume["name"]: [item["path"] for item in volume["secret"]["items"]]
            for volume in pod["volumes"]
            if "secret" in volume
        }
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            variables = variables_of(container)
            there = {
                str(Path(mount["mountPath"]) / path)
                for mount in container["volumeMounts"]
                for path in items.get(mount["name"], ())
            }
            assert there == {value for name, value in variables.items() if name.endswith("_FILE")}
            assert {"SECRET_KEY_FILE", "ENCRYPTION_KEYS_FILE", "DATABASE_URL_FILE", "REDIS_URL_FILE"} <= set(variables)
            assert not [name for name in variables if may_be_in_file(name)]
            assert all(Path(path).is_relative_to(SECRETS) for path in there)


def test_only_prepare_knows_the_first_password(manifests: list[Manifest]) -> None:
    known = {
        name
        for name, pod in pods_of(manifests)
        for container in pod["containers"]
        if "DJANGO_SUPERUSER_PASSWORD_FILE" in variables_of(container)
    }

    assert known == {"prepare"}


@pytest.mark.django_db
def test_probes_by_address_are_answered_behind_tls(
    manifests: list[Manifest], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SECURE_SSL_REDIRECT", True)
    [web] = [pod["containers"][0] for name, pod in pods_of(manifests) if name == "web"]
    probes = {name: web[name]["httpGet"] for name in PROBES}

    assert [probe["path"] for probe in probes.values()] == ["/healthz", "/healthz", "/readyz"]
    for probe in probes.values():
        answer = client.get(probe["path"], HTTP_HOST="10.1.2.3:8000")
        assert (answer.status_code in (200, 503), answer["Content-Type"]) == (True, "application/json")


def test_a_loop_that_does_not_turn_is_started_anew(manifests: list[Manifest]) -> None:
    [given] = of_kind(manifests, "ConfigMap")

    for name, pod in pods_of(manifests):
        [container] = pod["containers"]
        asked = {container[probe]["exec"]["command"][-1] for probe in PROBES if "exec" in container.get(probe, ())}
        assert asked == ({"launcher.healthy"} if name in ("worker", "scheduler") else set())
        writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
        assert str(Path(given["data"]["LIFE_SIGN"]).parent) in writable
    assert find_spec("launcher.healthy")


def test_requests_go_where_the_web_process_listens(manifests: list[Manifest]) -> None:
    [web] = [pod["containers"][0] for name, pod in pods_of(manifests) if name == "web"]
    [service] = of_kind(manifests, "Service")
    [ingress] = of_kind(manifests, "Ingress")
    [given] = of_kind(manifests, "ConfigMap")

    assert (given["data"]["HOST"], given["data"]["PORT"]) == ("0.0.0.0", "8000")
    assert web["ports"] == [{"name": "http", "containerPort": 8000}]
    assert service["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": "http"}]
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": service["metadata"]["name"], "port": {"name": "http"}}


def test_the_version_is_everywhere_that_of_the_product(manifests: list[Manifest]) -> None:
    assert {container["image"] for container in containers_of(manifests)} == {f"devinsync:{VERSION}"}
    assert {one["metadata"]["labels"]["app.kubernetes.io/version"] for one in manifests} == {VERSION}
    # Another name for another version: a Job that has ended is not run again. Without points, it is a host's name too.
    [job] = of_kind(manifests, "Job")
    assert job["metadata"]["name"] == f"devinsync-prepare-{VERSION.replace('.', '-')}"


def test_no_pod_may_do_more_than_it_must(manifests: list[Manifest]) -> None:
    for _, pod in pods_of(manifests):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    for container in containers_of(manifests):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_every_container_has_requests_and_limits(manifests: list[Manifest]) -> None:
    for container in containers_of(manifests):
        assert {kind: set(given) for kind, given in container["resources"].items()} == {
            "requests": {"cpu", "memory"},
            "limits": {"cpu", "memory"},
        }


def test_a_worker_starts_anew_before_it_is_killed_for_its_memory(manifests: list[Manifest]) -> None:
    [worker] = [pod["containers"][0] for name, pod in pods_of(manifests) if name == "worker"]

    limit = worker["resources"]["limits"]["memory"]
    assert limit.endswith("Mi")
    assert int(limit.removesuffix("Mi")) > settings.WORKER_MEMORY_MB + WATCHER


def test_processes_wait_until_the_database_is_prepared(manifests: list[Manifest]) -> None:
    waiting = {name: pod["initContainers"] for name, pod in pods_of(manifests) if "initContainers" in pod}

    assert sorted(waiting) == ["scheduler", "web", "worker"]
    for containers in waiting.values():
        assert [one["command"] for one in containers] == [["python", "manage.py", "prepared", "--wait"]]


def test_only_who_talks_to_others_gets_out(manifests: list[Manifest]) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind(manifests, "NetworkPolicy")}
    everybody = {"matchLabels": {"app.kubernetes.io/name": "devinsync"}}

    nothing = policies.pop("devinsync")
    assert nothing == {"podSelector": everybody, "policyTypes": ["Ingress", "Egress"]}
    ports = {name: sorted(ports_of(spec)) for name, spec in policies.items()}
    assert ports == {
        "devinsync-names": ["53/TCP", "53/UDP"],
        "devinsync-outgoing": ["443/TCP"],
        "devinsync-requests": ["http/TCP"],
        "devinsync-stores": ["5432/TCP", "6379/TCP"],
    }
    [chosen] = policies["devinsync-outgoing"]["podSelector"]["matchExpressions"]
    assert chosen == {"key": "app.kubernetes.io/component", "operator": "In", "values": ["web", "worker", "scheduler"]}


def ports_of(policy: Manifest) -> list[str]:
    rules = [*policy.get("ingress", ()), *policy.get("egress", ())]
    return [f"{port['port']}/{port['protocol']}" for rule in rules for port in rule["ports"]]


def test_workers_are_added_by_a_metric_that_there_is(manifests: list[Manifest]) -> None:
    [scaler] = of_kind(manifests, "HorizontalPodAutoscaler")
    [worker] = [one for one in of_kind(manifests, "Deployment") if one["metadata"]["name"] == "devinsync-worker"]
    [metric] = scaler["spec"]["metrics"]
    name = metric["external"]["metric"]["name"]

    assert name == OLDEST.name
    assert "replicas" not in worker["spec"]
    # What Prometheus and its adapter are told in the guide.
    assert name in (ROOT / "docs" / "kubernetes.md").read_text()


def test_the_web_process_alone_has_the_token_of_its_metrics(manifests: list[Manifest]) -> None:
    known = [each["command"] for each in containers_of(manifests) if "METRICS_TOKEN_FILE" in variables_of(each)]

    assert known == [["python", "manage.py", "serve"]]


def test_an_eviction_leaves_one_of_each(manifests: list[Manifest]) -> None:
    budgets = {
        one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]: one["spec"]["maxUnavailable"]
        for one in of_kind(manifests, "PodDisruptionBudget")
    }

    assert budgets == {"scheduler": 1, "web": 1, "worker": 1}


class TestWhatAPodIsGiven:
    """Its variables and files, on this machine."""

    @pytest.fixture
    def folders(self, tmp_path: Path) -> dict[str, Path]:
        """By mount; the database is empty."""
        folders = {name: tmp_path / name for name in ("data", "secrets", "superuser", "tmp")}
        for folder in folders.values():
            folder.mkdir()
        files = {
            "secrets/secret-key": settings.SECRET_KEY,
            "secrets/encryption-keys": ",".join(settings.ENCRYPTION_KEYS),
            "secrets/database-url": f"sqlite:///{tmp_path}/devinsync.sqlite3",
            "secrets/redis-url": "redis://valkey.internal:6379/0",
            "superuser/superuser-password": "chosen by a person",
        }
        for name, text in files.items():
            (tmp_path / name).write_text(f"{text}\n")
        return folders

    def run(self, container: Manifest, folders: dict[str, Path], **more: str) -> str:
        environment = {"PATH": os.environ["PATH"]} | more
        for name, value in variables_of(container).items():
            environment[name] = value
            for mount in container["volumeMounts"]:
                if Path(value).is_relative_to(mount["mountPath"]):
                    environment[name] = str(folders[mount["name"]] / Path(value).relative_to(mount["mountPath"]))
        command = [sys.executable, *container["command"][1:]]
        root: Any = settings.BASE_DIR
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def test_is_enough_for_the_others_to_wait_no_longer(
        self, manifests: list[Manifest], folders: dict[str, Path]
    ) -> None:
        pods = dict(pods_of(manifests))
        [given] = of_kind(manifests, "ConfigMap")

        told = self.run(pods["prepare"]["containers"][0], folders)
        self.run(pods["web"]["initContainers"][0], folders, **given["data"])

        assert json.loads(told.splitlines()[-1]) == {"username": "admin", "password": None, "notice": None}

    def test_is_the_same_for_all_processes_but_for_metrics(self, tmp_path: Path) -> None:
        pods = dict(pods_of(kustomize_with([name for name in COMPONENTS if name != "metrics"], tmp_path)))
        same = [
            {name: container[name] for name in ("env", "envFrom", "volumeMounts")}
            for process in ("web", "worker", "scheduler")
            for container in (*pods[process]["initContainers"], *pods[process]["containers"])
        ]

        assert [one for one in same if one != same[0]] == []


class TestBackup:
    """The script of the CronJob, run as it is but for the folder."""

    @pytest.fixture
    def script(self, manifests: list[Manifest], tmp_path: Path) -> str:
        [backup] = [pod["containers"][0] for name, pod in pods_of(manifests) if name == "backup"]
        [shell, options, text] = backup["command"]
        assert (shell, options) == ("sh", "-ec")
        return str(text).replace("/backups", str(tmp_path / "backups"))

    @pytest.fixture
    def environment(self, tmp_path: Path) -> dict[str, str]:
        (tmp_path / "static").mkdir()
        (tmp_path / "backups").mkdir()
        old = tmp_path / "backups" / "devinsync-20200101T021700Z.backup"
        old.touch()
        os.utime(old, (0, 0))
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DATA_DIR": str(tmp_path),
            "SECRET_KEY": settings.SECRET_KEY,
            "ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
            "KEEP_DAYS": "30",
        }

    def run(self, environment: dict[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
        root: Any = settings.BASE_DIR
        return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)

    def test_writes_one_and_lets_old_ones_go(self, script: str, environment: dict[str, str], tmp_path: Path) -> None:
        self.run(environment, "python", "manage.py", "prepare").check_returncode()

        self.run(environment, "sh", "-ec", script).check_returncode()

        [made] = (tmp_path / "backups").iterdir()
        assert made.stat().st_size > 0

    def test_keeps_old_ones_where_it_could_write_none(
        self, script: str, environment: dict[str, str], tmp_path: Path
    ) -> None:
        environment["DATABASE_URL"] = f"sqlite:///{tmp_path}/nowhere/devinsync.sqlite3"

        assert self.run(environment, "sh", "-ec", script).returncode != 0

        assert "devinsync-20200101T021700Z.backup" in [path.name for path in (tmp_path / "backups").iterdir()]
