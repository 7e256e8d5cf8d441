"""Carries out the Dockerfile's own steps in folders: each stage becomes a root, the last one the image."""

import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.context import files_in_context
from tests.deploy.dockerfile import ROOT, Stage, Step, expand, read_stages
from tests.deploy.roots import as_machine, copy, make_debian, run_in

BASE = re.compile(r"debian:(?P<release>[a-z]+)-\d{8}-slim@sha256:[0-9a-f]{64}")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Image:
    """A root and what its steps say of whatever runs in it."""

    root: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    arguments: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    folder: str = "/"
    command: list[str] = field(default_factory=list)
    check: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        return self.arguments | self.env


class Builder:
    def __init__(self, work: Path) -> None:
        self.work = work
        self.built: dict[str, Image] = {}

    def build(self) -> Image:
        for stage in read_stages():
            self.built[stage.name] = image = self.start(stage)
            for step in stage.steps:
                print(f"  {step.instruction} {step.text[:100]}", file=sys.stderr, flush=True)
                getattr(self, f"do_{step.instruction.lower()}")(image, step)
        return image

    def start(self, stage: Stage) -> Image:
        print(f"FROM {stage.base} as {stage.name}", file=sys.stderr, flush=True)
        root = self.work / f"stage-{stage.name}"
        if below := self.built.get(stage.base):
            copy(below.root, root)
            return Image(root, dict(below.env), {}, below.user, below.folder)
        return Image(copy(self.debian(stage.base), root))

    def debian(self, name: str) -> Path:
        known = BASE.fullmatch(name)
        if known is None:
            raise ValueError(f"{name} is no Debian pinned by its date and digest, so it can't be made here")
        root = self.work / f"debian-{known['release']}"
        make_debian(known["release"], root)
        return root

    # The steps

    def do_run(self, image: Image, step: Step) -> None:
        with as_machine(image.root) as lent:
            run_in(image.root, step.command, lent | image.variables, folder=image.folder, user=image.user)

    def do_copy(self, image: Image, step: Step) -> None:
        *sources, target = expand(step.text, image.variables).split()
        to = image.root / os.path.normpath(os.path.join(image.folder, target)).lstrip("/")
        if (stage := step.flags.get("from")) is not None:
            for source in sources:
                shutil.copytree(self.built[stage].root / source.lstrip("/"), to, symlinks=True, dirs_exist_ok=True)
            return
        for name in files_in_context():
            if any(source in (".", name) or name.startswith(f"{source}/") for source in sources):
                (to / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, to / name)
                os.chown(to / name, 0, 0)

    def do_env(self, image: Image, step: Step) -> None:
        image.env |= step.pairs(image.variables)

    def do_arg(self, image: Image, step: Step) -> None:
        image.arguments |= step.pairs(image.variables)

    def do_label(self, image: Image, step: Step) -> None:
        image.labels |= step.pairs(image.variables)

    def do_workdir(self, image: Image, step: Step) -> None:
        image.folder = os.path.join(image.folder, expand(step.text, image.variables))
        (image.root / image.folder.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def do_user(self, image: Image, step: Step) -> None:
        image.user = step.text

    def do_expose(self, image: Image, step: Step) -> None:
        """A word to people."""

    def do_healthcheck(self, image: Image, step: Step) -> None:
        image.check = Step("CMD", step.text.removeprefix("CMD "), {}).command

    def do_cmd(self, image: Image, step: Step) -> None:
        image.command = step.command
