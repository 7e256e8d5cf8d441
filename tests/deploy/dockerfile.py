"""Reads the Dockerfile: its stages, each with its steps. An instruction that is not known here is an error."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = ROOT / "Dockerfile"
# In the order of Docker's reference.
KNOWN = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "RUN", "USER", "WORKDIR"}
FLAG = re.compile(r"--(?P<name>[a-z-]+)=(?P<value>\S+)\s+")
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True)
class Step:
    """`text` is what follows the instruction and its flags, on one line."""

    instruction: str
    text: str
    flags: dict[str, str]

    @property
    def command(self) -> list[str]:
        """Of a list as it is; of a text by a shell, as Docker does."""
        return list(json.loads(self.text)) if self.text.startswith("[") else ["/bin/sh", "-c", self.text]

    def pairs(self, variables: Mapping[str, str]) -> dict[str, str]:
        """`A=1 B="two words"`, with variables put in."""
        pairs = (word.partition("=") for word in shlex.split(self.text))
        return {name: expand(value, variables) for name, _, value in pairs}


@dataclass(frozen=True)
class Stage:
    base: str
    name: str
    steps: list[Step] = field(default_factory=list)

    def all(self, instruction: str) -> list[Step]:
        return [step for step in self.steps if step.instruction == instruction]

    def last(self, instruction: str) -> Step:
        return self.all(instruction)[-1]


def expand(text: str, variables: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda found: variables.get(found[1] or found[2], ""), text)


def read_stages(path: Path = DOCKERFILE) -> list[Stage]:
    stages: list[Stage] = []
    for instruction, rest in instructions_of(path.read_text()):
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(base, name or str(len(stages))))
            continue
        if instruction not in KNOWN:
            raise ValueError(f"{path.name} has {instruction}, which is not known here")
        stages[-1].steps.append(step_of(instruction, rest))
    return stages


def step_of(instruction: str, rest: str) -> Step:
    flags = {}
    while instruction in ("COPY", "HEALTHCHECK") and (flag := FLAG.match(rest)):
        flags[flag["name"]] = flag["value"]
        rest = rest[flag.end() :]
    return Step(instruction, rest, flags)


def instructions_of(text: str) -> Iterator[tuple[str, str]]:
    """Without comments, each with its continued lines as one."""
    whole = ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        whole += line.removesuffix("\\")
        if not line.endswith("\\"):
            instruction, _, rest = whole.partition(" ")
            yield instruction, re.sub(r"\s{2,}", " ", rest.strip())
            whole = ""


def variables_of(stages: list[Stage], stage: Stage) -> dict[str, str]:
    """What ENV and ARG of a stage, and of those that it is built on, leave behind."""
    below = next((other for other in stages if other.name == stage.base), None)
    variables = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    if below is not None:
        variables = variables_of(stages, below)
    for step in stage.steps:
        if step.instruction in ("ENV", "ARG"):
            variables |= step.pairs(variables)
    return variables
