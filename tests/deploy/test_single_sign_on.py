"""The examples of single sign-on beside compose.yaml and the units: DevinSync takes what they say, from files."""

import re
from pathlib import Path

import pytest

from common.environment import Environment, may_be_in_file
from common.saml_metadata import SamlProvider
from common.single_sign_on_settings import read_providers
from tests.deploy.compose import document, read_services
from tests.deploy.dockerfile import ROOT
from tests.deploy.test_units import SERVICES, lines_of

FOLDER = ROOT / "deploy" / "single-sign-on"
ADFS = SamlProvider("urn:adfs", "https://adfs.example.com/adfs/ls", ("AAAA",))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a program finds at the end of the paths that the examples name."""
    (tmp_path / "secret").write_text("a-secret-of-both\n")
    monkeypatch.setattr("common.single_sign_on_settings.read_metadata", lambda path, _: {"/metadata": ADFS}[path])
    return {"sso_okta_client_secret": str(tmp_path / "secret"), "sso_adfs_metadata": "/metadata"}


def check(environment: dict[str, str]) -> None:
    """Two providers, whose secret stands in no variable."""
    providers = read_providers(Environment(environment))

    assert [(one.name, one.client_secret) for one in providers.values()] == [("okta", "a-secret-of-both"), ("adfs", "")]
    assert providers["adfs"].saml == ADFS
    assert ("devinsync-editors", "Editor") in providers["okta"].groups
    assert not [name for name in environment if may_be_in_file(name)]


def test_with_compose_the_web_process_alone_is_given_them(files: dict[str, str]) -> None:
    extra, web = document(FOLDER / "compose.yaml"), read_services()["web"].given
    added = extra["services"]["web"]

    assert list(extra["services"]) == ["web"]
    assert added["secrets"] == list(extra["secrets"]) == ["sso_okta_client_secret"]
    assert [each["source"] for each in added["configs"]] == list(extra["configs"]) == ["sso_adfs_metadata"]
    assert not set(added["environment"]) & set(web["environment"])
    assert added["image"] == f"{web['image']}-saml"
    places = {each["target"]: files[each["source"]] for each in added["configs"]}
    places |= {f"/run/secrets/{name}": files[name] for name in added["secrets"]}
    check({name: places.get(value, value) for name, value in added["environment"].items()})


def test_with_systemd_they_are_files_that_it_gives(files: dict[str, str]) -> None:
    pairs = lines_of(FOLDER / "sso.conf")
    given = dict(value.split("=", 1) for name, value in pairs if name == "Environment")
    credentials = dict(value.split(":", 1) for name, value in pairs if name == "LoadCredential")

    assert {path.removeprefix("%d/") for name, path in given.items() if name.endswith("_FILE")} == set(credentials)
    assert all(path.startswith("/etc/devinsync/") for path in credentials.values())
    assert f"{SERVICES['web'].name}.d/" in (FOLDER / "sso.conf").read_text()
    check({name: files.get(value.removeprefix("%d/"), value) for name, value in given.items()})


def test_the_image_has_what_saml_needs_where_it_is_asked_for() -> None:
    optional = (ROOT / "requirements-optional.txt").read_text()
    [step] = re.findall(r"RUN python3 -m venv.*?requirement /build/requirements.txt.*?\n\n", dockerfile(), re.DOTALL)

    assert "python3-saml==" in optional
    assert "${OPTIONAL:+--requirement /build/requirements-optional.txt}" in step
    assert "COPY requirements.txt requirements-optional.txt /build/" in dockerfile()


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()
