"""SBOM: a bill of materials by CycloneDX 1.6, the same bytes for the same commit.

Each package has the SHA-256 of all its files: which one is installed depends on Python and system.
https://cyclonedx.org/docs/1.6/json/
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from common.version import VERSION
from release.packages import Package

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "bill-of-materials.devinsync.invalid")


def render(packages: Sequence[Package], *, made_at: datetime, commit: str) -> str:
    """JSON. `made_at` is the time of the commit, which the document is told from by its serial number."""
    bom = Bom(serial_number=uuid.uuid5(NAMESPACE, f"{VERSION} {commit}"), version=1)
    bom.metadata.timestamp = made_at
    bom.metadata.component = root = _component("devinsync", VERSION, "Apache-2.0", ComponentType.APPLICATION)
    components = {each.name: _of(each) for each in packages}
    bom.components.update(components.values())
    needed = {name for each in packages for name in each.needs}
    bom.register_dependency(root, [components[name] for name in components if name not in needed])
    for each in packages:
        bom.register_dependency(components[each.name], [components[name] for name in each.needs])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _of(package: Package) -> Component:
    component = _component(package.name, package.version, package.licence, ComponentType.LIBRARY)
    component.purl = PackageURL("pypi", name=package.name, version=package.version)
    component.hashes.update(HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in package.hashes)
    if package.marker:
        component.properties.add(Property(name="devinsync:installed-where", value=package.marker))
    return component


def _component(name: str, version: str, licence: str, kind: ComponentType) -> Component:
    made = LicenseFactory().make_from_string(licence, license_acknowledgement=LicenseAcknowledgement.CONCLUDED)
    return Component(name=name, version=version, type=kind, licenses=[made], bom_ref=f"{name}=={version}")
