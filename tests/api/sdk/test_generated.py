"""The document is valid, and clients that are generated from it walk the whole way of a sync."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from tests.api.conftest import API_KEY, ORG
from tests.api.sdk.conftest import LOCKS, client_of
from tests.api.sdk.operations import documented, operations_in
from tests.api.sdk.test_walks import WALKS, walk
from tests.environments import node_with, python_with, run
from tests.patience import PATIENCE

VALIDATOR = "openapi_spec_validator"
PYTHON_GENERATOR = "openapi_python_client"
NODE_GENERATOR = "openapi_ts"

pytestmark = pytest.mark.sdk


@pytest.fixture
def environment_of_syncs(environment: dict[str, str], sandbox: Sandbox) -> dict[str, str]:
    return environment | {"DEVIN_URL": sandbox.url, "DEVIN_API_KEY": API_KEY, "DEVIN_ORG": ORG}


def test_the_document_is_valid(document: Path) -> None:
    python = python_with(LOCKS / VALIDATOR)

    done = subprocess.run(
        [python, "-m", "openapi_spec_validator", "--errors", "all", str(document)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_the_document_says_where_the_api_is(document: Path, client: Any, db: None) -> None:
    from django.contrib.auth.models import User

    client.force_login(User.objects.create_superuser("root"))

    served = client.get("/api/docs/json").json()

    assert served["servers"][0]["url"] == "http://testserver"
    assert all(server["url"].startswith("http") for server in json.loads(document.read_text())["servers"])


@pytest.mark.usefixtures("worker")
def test_a_generated_python_client_walks(
    document: Path,
    tmp_path: Path,
    environment_of_syncs: dict[str, str],
    organization: SandboxOrganization,
    requests_seen: list[str],
) -> None:
    python = python_with(LOCKS / PYTHON_GENERATOR)
    config = tmp_path / "config.yaml"
    config.write_text("post_hooks: []\n")
    package = tmp_path / "devinsync_api"
    options = ("--path", document, "--config", config, "--output-path", package, "--meta", "none", "--fail-on-warning")
    # Not its script, which names the folder that the environment was made in.
    run(python, "-m", "openapi_python_client", "generate", *options, cwd=tmp_path)

    walk(python, WALKS / "generated_client.py", environment=environment_of_syncs | {"PYTHONPATH": str(tmp_path)})

    assert organization.values() == {}
    assert operations_in(requests_seen) == documented(client_of(PYTHON_GENERATOR))


@pytest.mark.usefixtures("worker")
def test_a_generated_node_client_walks(
    document: Path,
    tmp_path: Path,
    environment_of_syncs: dict[str, str],
    organization: SandboxOrganization,
    requests_seen: list[str],
) -> None:
    tools = node_with(LOCKS / NODE_GENERATOR) / "node_modules" / ".bin"
    run(tools / "openapi-ts", "-i", document, "-o", tmp_path / "ts", "-c", "@hey-api/client-fetch", cwd=tmp_path)
    compiler = (
        "--module",
        "commonjs",
        "--moduleResolution",
        "node10",
        "--target",
        "es2022",
        "--strict",
        "--skipLibCheck",
        "--outDir",
        "js",
    )
    run(tools / "tsc", *compiler, "ts/sdk.gen.ts", cwd=tmp_path)

    found_at = {"GENERATED": str(tmp_path / "js")}
    walk("node", WALKS / "generated_client.js", environment=environment_of_syncs | found_at)

    assert organization.values() == {}
    assert operations_in(requests_seen) == documented(client_of(NODE_GENERATOR))
