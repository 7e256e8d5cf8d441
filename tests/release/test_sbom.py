"""The bill of materials: valid CycloneDX, all that is shipped in it, and the same bytes for the same commit."""

import json
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import jsonschema_rs

from common.version import VERSION
from release import sbom
from release.packages import shipped_packages

COMMIT = {"made_at": datetime(2026, 11, 26, tzinfo=UTC), "commit": "0" * 40}
SCHEMA = "bom-1.6"
OTHERS = ("jsf-0.82", "spdx")


def schema(name: str) -> dict[str, Any]:
    """By the standard's authors, as their library brings it."""
    file = resources.files("cyclonedx.schema") / "_res" / f"{name}.SNAPSHOT.schema.json"
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def render() -> str:
    return sbom.render(shipped_packages(), **COMMIT)  # type: ignore[arg-type]


def test_keeps_to_the_standard() -> None:
    others = [(f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json", schema(name)) for name in OTHERS]
    registry = jsonschema_rs.Registry(others)

    jsonschema_rs.validator_for(schema(SCHEMA), registry=registry).validate(json.loads(render()))


def test_has_every_package_with_its_hashes_licence_and_what_it_needs() -> None:
    told = json.loads(render())
    components = {each["name"]: each for each in told["components"]}
    needs = {each["ref"]: each.get("dependsOn", []) for each in told["dependencies"]}

    for package in shipped_packages():
        found = components.pop(package.name)
        assert found["purl"] == f"pkg:pypi/{package.name}@{package.version}"
        assert {each["content"] for each in found["hashes"]} == set(package.hashes)
        [licence] = found["licenses"]
        assert package.licence in (licence.get("expression"), licence.get("license", {}).get("id"))
        assert len(needs[found["bom-ref"]]) == len(package.needs)
    assert components == {}
    assert told["metadata"]["component"]["version"] == VERSION


def test_is_the_same_for_the_same_commit() -> None:
    assert render() == render()
    assert json.loads(render())["metadata"]["timestamp"] == "2026-11-26T00:00:00+00:00"
