"""What Devin's sessions make of destination keys, and what a person should know of that. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable

NOT_IN_VARIABLE = re.compile(r"[^A-Za-z0-9_]")

# Names that change what a shell, an interpreter or a linker in Devin's sessions does.
RISKY_VARIABLES = frozenset(
    [
        "BASH_ENV",
        "ENV",
        "GIT_SSH_COMMAND",
        "HOME",
        "IFS",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "NODE_OPTIONS",
        "PATH",
        "PERL5LIB",
        "PS4",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "RUBYOPT",
        "SHELL",
    ]
)


def variable_name(destination_key: str) -> str:
    """The environment variable that Devin's sessions see for a key (Terraform provider docs)."""
    name = NOT_IN_VARIABLE.sub("_", destination_key)
    return f"_{name}" if name[:1].isdigit() else name


def key_warnings(destination_keys: Iterable[str]) -> list[str]:
    """What a person should know of how these keys will look to Devin's sessions, a sentence each."""
    warnings = []
    by_variable: dict[str, list[str]] = defaultdict(list)
    for key in sorted(destination_keys):
        variable = variable_name(key)
        by_variable[variable].append(key)
        if variable != key:
            warnings.append(f"{key} is not an environment variable name: Devin shows it to its sessions as {variable}.")
        if variable in RISKY_VARIABLES:
            warnings.append(f"{key} changes how programs run in Devin's sessions. Rename it unless you mean that.")
    for variable, keys in by_variable.items():
        if len(keys) > 1:
            warnings.append(f"{', '.join(keys)} all become {variable}: Devin adds _2 and so on to the later ones.")
    return warnings
