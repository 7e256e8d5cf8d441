"""The chart comes to what kustomize makes, refuses values that mean nothing, and takes all that it names."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.environment import IN_FILES
from common.version import VERSION
from tests.deploy.manifests import (
    CHART,
    ROOT,
    Manifest,
    containers_of,
    helm_template,
    kustomize_with,
    pods_of,
    require_valid,
    tool,
)
from tests.deploy.test_kustomize import COMPONENTS
from tests.environments import run

# A value of each kind that is left empty unless given.
EVERYTHING: Manifest = {
    "secretKeys": {"outboundProxy": "proxy", "metricsToken": "metrics"},
    "secretSettings": {"AUDIT_STREAM_TOKEN": "collector", "SSO_OKTA_CLIENT_SECRET": "okta"},
    "worker": {"autoscaling": {"enabled": True, "maxReplicas": 20, "targetSeconds": 60}},
    "settings": {"HISTORY_DAYS": 30, "API_RATE_PER_MINUTE": 1_000_000, "DEBUG": False, "STRANGERS": "ask"},
    "image": {"digest": f"sha256:{'0' * 64}", "pullPolicy": "Always", "pullSecrets": [{"name": "registry"}]},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "annotations": {"example.com/a": "b"},
        "host": "sync.example.com",
    },
    "networkPolicy": {
        "from": [{"namespaceSelector": {}}],
        "stores": {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [6432, 6379]},
        "outgoing": {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [443, 3128]},
    },
    "backup": {"enabled": True, "storageClassName": "fast"},
    "pods": {
        "annotations": {"example.com/a": "b"},
        "labels": {"example.com/team": "sync"},
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "priorityClassName": "high",
        "extraVolumes": [{"name": "authority", "configMap": {"name": "authority"}}],
        "extraVolumeMounts": [{"name": "authority", "mountPath": "/etc/authority", "readOnly": True}],
    },
}
# What belongs to Helm, or to kustomize.
THEIRS = re.compile(r"^(helm\.sh/.*|checksum/settings|app\.kubernetes\.io/(instance|managed-by))$")
HASHED_NAME = re.compile(r"^(devinsync-settings)-[a-z0-9]{10}$")


def without_theirs(part: Any) -> Any:
    if isinstance(part, dict):
        kept = {key: without_theirs(value) for key, value in part.items() if not THEIRS.match(key)}
        return {key: value for key, value in kept.items() if (key, value) != ("annotations", {})}
    if isinstance(part, list):
        # Kustomize puts what a patch adds to a list of names in front.
        return sorted((without_theirs(each) for each in part), key=lambda each: each["name"] if has_name(each) else "")
    return HASHED_NAME.sub(r"\1", part) if isinstance(part, str) else part


def has_name(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("name"), str)


def in_substance(manifests: list[Manifest]) -> str:
    """As text, so that a difference is shown as one of lines."""
    plain = [without_theirs(manifest) for manifest in manifests]
    return yaml.safe_dump_all(sorted(plain, key=lambda manifest: (manifest["kind"], manifest["metadata"]["name"])))


@pytest.mark.parametrize("components", [[], *([name] for name in COMPONENTS), [*COMPONENTS]], ids="+".join)
def test_comes_to_what_kustomize_makes(components: list[str], tmp_path: Path) -> None:
    chart = helm_template(values_for(components), tmp_path)

    assert in_substance(chart) == in_substance(kustomize_with(components, tmp_path))


def values_for(components: list[str]) -> Manifest:
    values: Manifest = {name: {"enabled": True} for name in components if name in ("backup", "ingress")}
    if "metrics" in components:
        values["secretKeys"] = {"metricsToken": "metrics-token"}
    if "autoscaling" in components:
        values["worker"] = {"autoscaling": {"enabled": True}}
    return values


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["as it is", "everything"])
def test_kubernetes_knows_every_field(values: Manifest, tmp_path: Path) -> None:
    require_valid(helm_template(values, tmp_path), tmp_path)


def test_takes_the_values_of_its_guide(tmp_path: Path) -> None:
    [values] = re.findall(
        r"^```yaml\n# mine.yaml\n(.*?)^```$", (ROOT / "docs" / "kubernetes.md").read_text(), re.MULTILINE | re.DOTALL
    )

    require_valid(helm_template(yaml.safe_load(values), tmp_path), tmp_path)


def test_lints(tmp_path: Path) -> None:
    run(tool("helm"), "lint", "--strict", CHART, cwd=tmp_path)


def test_is_of_the_version_of_the_product() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)


def test_takes_everything_that_it_names(tmp_path: Path) -> None:
    manifests = helm_template(EVERYTHING, tmp_path)

    [settings] = [manifest["data"] for manifest in manifests if manifest["kind"] == "ConfigMap"]
    assert settings.pop("LIFE_SIGN")
    assert settings == {
        "HOST": "0.0.0.0",
        "PORT": "8000",
        "HTTPS": "1",
        "TRUSTED_PROXIES": "1",
        "ALLOWED_HOSTS": "sync.example.com",
        "HISTORY_DAYS": "30",
        "API_RATE_PER_MINUTE": "1000000",
        "DEBUG": "false",
        "STRANGERS": "ask",
    }
    for container in containers_of(manifests):
        assert container["image"] == f"devinsync@{EVERYTHING['image']['digest']}"
        assert {"name": "OUTBOUND_PROXY_FILE", "value": "/run/secrets/devinsync/outbound-proxy"} in container["env"]
        for name in EVERYTHING["secretSettings"]:
            assert {"name": f"{name}_FILE", "value": f"/run/secrets/devinsync/{name}"} in container["env"]
        assert EVERYTHING["pods"]["extraVolumeMounts"][0] in container["volumeMounts"]
    for _, pod in pods_of(manifests):
        assert EVERYTHING["pods"]["extraVolumes"][0] in pod["volumes"]
        assert {name: pod[name] for name in ("nodeSelector", "tolerations", "affinity", "priorityClassName")} == {
            name: EVERYTHING["pods"][name] for name in ("nodeSelector", "tolerations", "affinity", "priorityClassName")
        }


def test_leads_to_the_path_that_it_lives_below(tmp_path: Path) -> None:
    values = {"ingress": {"enabled": True}, "settings": {"PATH_PREFIX": "/devinsync"}}

    [ingress] = [manifest for manifest in helm_template(values, tmp_path) if manifest["kind"] == "Ingress"]

    [rule] = ingress["spec"]["rules"]
    assert [path["path"] for path in rule["http"]["paths"]] == ["/devinsync"]


def test_a_changed_setting_replaces_the_pods_but_of_the_job(tmp_path: Path) -> None:
    before = workloads(helm_template({}, tmp_path))
    after = workloads(helm_template({"settings": {"WEB_THREADS": 9}}, tmp_path))

    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"devinsync-web", "devinsync-worker", "devinsync-scheduler"}


def workloads(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {
        one["metadata"]["name"]: one["spec"]["template"] for one in manifests if one["kind"] in ("Deployment", "Job")
    }


def test_prepares_before_anything_else_of_an_update(tmp_path: Path) -> None:
    [job] = [manifest for manifest in helm_template({}, tmp_path) if manifest["kind"] == "Job"]

    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    # Nothing of the release is there before its first installation.
    [pod] = [pod for _, pod in pods_of([job])]
    assert [container.get("envFrom") for container in pod["containers"]] == [None]


def test_a_backup_stays_when_the_release_goes(tmp_path: Path) -> None:
    manifests = helm_template({"backup": {"enabled": True}}, tmp_path)

    [claim] = [manifest for manifest in manifests if manifest["kind"] == "PersistentVolumeClaim"]
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    own = helm_template({"backup": {"enabled": True, "existingClaim": "mine"}}, tmp_path)
    assert "PersistentVolumeClaim" not in [manifest["kind"] for manifest in own]


def test_two_releases_are_apart(tmp_path: Path) -> None:
    values = {"backup": {"enabled": True}, "ingress": {"enabled": True}}
    one, other = (helm_template(values, tmp_path, release=release) for release in ("blue", "green"))

    assert not names_of(one) & names_of(other)
    selectors = [[*selectors_in(manifests)] for manifests in (one, other)]
    assert [{chosen["app.kubernetes.io/instance"] for chosen in each} for each in selectors] == [{"blue"}, {"green"}]


def names_of(manifests: list[Manifest]) -> set[tuple[str, str]]:
    return {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests}


def selectors_in(part: Any) -> Iterator[dict[str, str]]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "matchLabels":
                yield value
            yield from selectors_in(value)
    if isinstance(part, list):
        for each in part:
            yield from selectors_in(each)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"wbe": {}}, "additional properties 'wbe' not allowed"),
        ({"web": {"replica": 3}}, "additional properties 'replica' not allowed"),
        ({"web": {"replicas": 0}}, "minimum: got 0, want 1"),
        ({"worker": {"resources": {"limit": {}}}}, "additional properties 'limit' not allowed"),
        ({"image": {"digest": "sha256:12"}}, "does not match pattern"),
        ({"image": {"pullPolicy": "Sometimes"}}, "value must be one of"),
        ({"settings": {"LIFE_SIGN": "/elsewhere"}}, "invalid propertyName 'LIFE_SIGN'"),
        ({"settings": {"historyDays": 3}}, "invalid propertyName 'historyDays'"),
        ({"settings": {"SYNC_QUIET_SECONDS": 0.5}}, "got number, want"),
        ({"networkPolicy": {"stores": {"ports": [0]}}}, "minimum: got 0, want 1"),
        ({"existingSecret": ""}, "minLength"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refuses_values_that_mean_nothing(values: Manifest, said: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=re.escape(said)):
        helm_template(values, tmp_path)


@pytest.mark.parametrize(
    "name", [secret + end for secret in (*sorted(IN_FILES), "SSO_OKTA_CLIENT_SECRET") for end in ("", "_FILE")]
)
def test_takes_no_secret_among_the_settings(name: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=f"invalid propertyName '{name}'"):
        helm_template({"settings": {name: "x"}}, tmp_path)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "Nobody can reach it yet"),
        ({"settings": {"ALLOWED_HOSTS": "sync.example.com"}}, "lead to the Service devinsync, port 80"),
        ({"ingress": {"enabled": True, "host": "sync.example.com"}}, "It is at https://sync.example.com/admin/"),
        (
            {"ingress": {"enabled": True, "host": "tools.example.com"}, "settings": {"PATH_PREFIX": "/sync"}},
            "It is at https://tools.example.com/sync/admin/",
        ),
        ({"backup": {"enabled": False}}, "No backups are made"),
    ],
    ids=["as it is", "proxy", "ingress", "path", "no backup"],
)
def test_says_what_to_do_next(values: Manifest, said: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))

    told = run(tool("helm"), "install", "devinsync", CHART, "--dry-run=client", "--values", file, cwd=tmp_path)

    assert said in told
