"""Nothing of ours installs what no lock pins: what is chosen on the day is another thing next year.

`unpinned` knows the commands that choose. Every process that a test starts is asked, and every file of ours is.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# What stands between the words of a command, in a shell or in a list of Python.
BETWEEN_WORDS = re.compile(r"[\s\"'`,\[\](){}\\;]+")
ANY = frozenset[str]()
# The verbs by which a program chooses what to install; ANY where all that it does is that.
CHOOSES = {
    "pip": frozenset({"install", "download", "wheel", "sync"}),
    "uv": frozenset({"run", "tool", "add", "sync"}),
    "npm": frozenset({"install", "i", "add", "exec", "x", "update", "up", "init", "create"}),
    "yarn": frozenset({"install", "add", "dlx"}),
    "pnpm": frozenset({"install", "i", "add", "dlx"}),
    "cargo": frozenset({"install"}),
    "gem": frozenset({"install"}),
    "playwright": frozenset({"install"}),
} | dict.fromkeys(("npx", "uvx", "pipx", "pnpx", "bunx", "easy_install"), ANY)
LEAVES_NO_CHOICE = {"--require-hashes", "--no-index", "--package-lock-only", "--frozen-lockfile"}
LONGEST_COMMAND = 25  # words


class UnpinnedInstall(Exception):
    """A test was about to install what may be another thing next year."""


def unpinned(text: str) -> list[str]:
    """The commands in a text that choose what to install, as the program's name and the verb."""
    words = [word for word in BETWEEN_WORDS.split(text) if word]
    commands = (words[index : index + LONGEST_COMMAND] for index in range(len(words)))
    return [chosen for command in commands if (chosen := choice(command))]


def choice(command: list[str]) -> str:
    program = re.sub(r"[\d.]+$", "", Path(command[0]).name)
    verbs = CHOOSES.get(program)
    if verbs is None or LEAVES_NO_CHOICE & set(command):
        return ""
    found = (verb for verb in possible_verbs(command[1:]) if not verbs or verb in verbs)
    return next((f"{program} {verb}" for verb in found), "")


def possible_verbs(arguments: list[str]) -> Iterator[str]:
    """The first word that is no option. One that follows an option may be its value; then the next may be the verb."""
    after_option = False
    for word in arguments:
        if not word.startswith("-"):
            yield word
            if not after_option:
                return
        after_option = word.startswith("-")


@pytest.fixture(autouse=True)
def _nothing_unpinned(monkeypatch: pytest.MonkeyPatch) -> None:
    start = subprocess.Popen.__init__

    def checked(self: "subprocess.Popen[Any]", args: Any, *others: Any, **options: Any) -> None:
        words = [args] if isinstance(args, str | bytes | os.PathLike) else args
        if found := unpinned(" ".join(os.fsdecode(word) for word in words)):
            raise UnpinnedInstall(f"`{found[0]}` chooses what to install. Give it a lock, and have it keep to that.")
        start(self, args, *others, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", checked)
