"""What a source may answer in place of what was asked for, and what must become of it: nothing is written or deleted.

Each kind of source brings a fixture that makes a `Scene`, and its line in `KINDS`. To add a kind, add its line; the
table is run against it by `test_hostile.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sources.protocol import Place
from vault.models import Project

# What every kind must be able to suffer, or say why it cannot.
COMMON = (
    "the folder is gone",
    "the environment is gone",
    "we are refused",
    "no answer",
    "half an answer",
    "not what was asked for",
    "a reference that leads nowhere",
    "a key twice",
    "a value that is no text",
    "a key that cannot be",
)
# A value of the place that must stand in no message.
CANARY = "canary-2b81c7"


@dataclass(frozen=True)
class Scene:
    """A project of the kind whose `place` holds A and B, both with CANARY in their values.

    `misbehave` makes the source answer wrongly from now on, by the names of `UnderTest.answers`.
    """

    project: Project
    place: Place
    misbehave: Mapping[str, Callable[[], None]]


@dataclass(frozen=True)
class UnderTest:
    """`fixture` makes the Scene. `impossible` says of common answers why this kind never gives them."""

    fixture: str
    answers: tuple[str, ...] = COMMON
    impossible: Mapping[str, str] = field(default_factory=dict)


KINDS: dict[str, UnderTest] = {
    "vault": UnderTest(
        "vault_scene",
        answers=("the folder is gone", "the environment is gone", "half an answer", "a reference that leads nowhere"),
        impossible={
            "we are refused": "it is our own database",
            "no answer": "it is our own database",
            "not what was asked for": "rows are found by their ids",
            "a key twice": "the database refuses it in one folder; subfolders have their own tests",
            "a value that is no text": "what was sealed was text",
            "a key that cannot be": "the vault takes none",
        },
    ),
    "memory": UnderTest("memory_scene"),
    "openbao": UnderTest(
        "openbao_scene",
        answers=(
            *(answer for answer in COMMON if answer != "a reference that leads nowhere"),
            "the latest version is deleted",
            "the latest version is destroyed",
            "a policy that hides it",
            "a standby",
            "too many requests",
        ),
        impossible={"a reference that leads nowhere": "its values refer to nothing"},
    ),
    "infisical": UnderTest(
        "infisical_scene",
        answers=(*COMMON, "a hidden value", "an import that may not be read", "a login that is refused"),
    ),
}
