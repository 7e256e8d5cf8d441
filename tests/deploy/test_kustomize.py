"""The manifests for kustomize are what Kubernetes takes."""

from pathlib import Path

import pytest

from tests.deploy.manifests import KUBERNETES, Manifest, kustomize, kustomize_with, pods_of, require_valid

COMPONENTS = ["autoscaling", "backup", "ingress", "metrics"]


def test_every_component_is_looked_at() -> None:
    assert sorted(path.name for path in (KUBERNETES / "components").iterdir()) == COMPONENTS


@pytest.mark.parametrize("components", [[], COMPONENTS], ids=["base", "all"])
def test_kubernetes_knows_every_field(components: list[str], tmp_path: Path) -> None:
    require_valid(kustomize_with(components, tmp_path), tmp_path)


@pytest.mark.parametrize("overlay", sorted(path.name for path in (KUBERNETES / "overlays").iterdir()))
def test_kubernetes_knows_every_field_of_an_overlay(overlay: str, tmp_path: Path) -> None:
    require_valid(kustomize(KUBERNETES / "overlays" / overlay), tmp_path)


def test_a_wrong_field_is_noticed(tmp_path: Path) -> None:
    manifests = kustomize(KUBERNETES / "base")
    manifests[0]["dat"] = {}

    with pytest.raises(AssertionError, match="dat"):
        require_valid(manifests, tmp_path)


def test_a_changed_setting_replaces_the_pods_but_of_the_job(tmp_path: Path) -> None:
    before = settings_by_pod(kustomize_with([], tmp_path))

    with (tmp_path / "kustomization.yaml").open("a") as file:
        file.write("\nconfigMapGenerator: [{name: devinsync-settings, behavior: merge, literals: [WEB_THREADS=9]}]\n")
    after = settings_by_pod(kustomize(tmp_path))

    # A Job can't be changed once it is there.
    assert before.pop("prepare") == after.pop("prepare") == []
    assert all(before[name] != after[name] for name in ("web", "worker", "scheduler"))


def settings_by_pod(manifests: list[Manifest]) -> dict[str, list[str]]:
    return {
        name: [source["configMapRef"]["name"] for source in pod["containers"][0].get("envFrom", ())]
        for name, pod in pods_of(manifests)
    }
