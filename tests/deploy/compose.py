"""Reads compose.yaml as far as it says what a container is given."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.dockerfile import ROOT

COMPOSE = ROOT / "compose.yaml"
UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@dataclass(frozen=True)
class Service:
    name: str
    given: dict[str, Any]

    @property
    def is_ours(self) -> bool:
        return "build" in self.given

    @property
    def command(self) -> list[str]:
        return list(self.given.get("command", []))

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.given.get("environment", {}))

    @property
    def replicas(self) -> int:
        return int(self.given.get("deploy", {}).get("replicas", 1))

    @property
    def tmpfs(self) -> dict[str, str]:
        """By folder, the options that it is mounted with."""
        pairs = (str(one).partition(":") for one in self.given.get("tmpfs", []))
        return {path: options for path, _, options in pairs}

    @property
    def volumes(self) -> dict[str, str]:
        """By folder, the volume's name."""
        pairs = (str(one).partition(":") for one in self.given.get("volumes", []))
        return {path: name for name, _, path in pairs}

    @property
    def waits_for(self) -> dict[str, str]:
        """By service, what must be so of it."""
        return {name: one["condition"] for name, one in self.given.get("depends_on", {}).items()}

    @property
    def memory(self) -> int:
        """In bytes."""
        return int(self.given["mem_limit"][:-1]) * UNITS[self.given["mem_limit"][-1]]

    @property
    def check(self) -> list[str] | None:
        """Its own health check, or none if it has the image's."""
        test = self.given.get("healthcheck", {}).get("test")
        if test is None:
            return None
        words = [str(word).replace("$$", "$") for word in test]
        return ["/bin/sh", "-c", words[1]] if words[0] == "CMD-SHELL" else words[1:]

    @property
    def is_checked(self) -> bool:
        return not self.given.get("healthcheck", {}).get("disable", False)

    @property
    def grace(self) -> float:
        """Seconds that it has to end in; without a word about it, Docker's own."""
        return float(re.sub("s$", "", str(self.given.get("stop_grace_period", "10s"))))


def document(path: Path = COMPOSE) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text()))


def read_services(path: Path = COMPOSE) -> dict[str, Service]:
    return {name: Service(name, given) for name, given in document(path)["services"].items()}


def in_order(services: dict[str, Service]) -> list[Service]:
    """Each after those that it waits for."""
    ordered: list[Service] = []
    while len(ordered) < len(services):
        there = {service.name for service in ordered}
        ready = [one for one in services.values() if one.name not in there and set(one.waits_for) <= there]
        if not ready:
            raise ValueError("the services wait for one another")
        ordered += ready
    return ordered
