"""`python -m launcher.healthy`: whether the process of this container works; says what it found, with status 0 if so.

It reads the sign of life that the process writes to LIFE_SIGN (`common.life_sign`). Of a web process it then asks
`/healthz`; the loop of a worker or a scheduler must have turned a short time ago. It asks neither the database nor the
queue, and loads no site: a check that is made twice a minute must cost little.
"""

import os
import sys
import time
from pathlib import Path

from launcher.config import Config, read_config
from launcher.errors import LaunchError
from launcher.health import answers

# Longer than a loop waits for a database that does not answer, to the end of its patience.
LONGEST_SILENCE = 120.0


def main() -> int:
    try:
        print(look(read_config(), os.environ.get("LIFE_SIGN", "")))
    except LaunchError as error:
        print(error)
        return 1
    return 0


def look(config: Config, path: str) -> str:
    """What is well; raises LaunchError with what is not."""
    command, given_at = read_sign(path)
    if command == "serve":
        if not answers(config.reachable_host, config.port, "/healthz"):
            raise LaunchError(f"The web process does not answer on port {config.port}. Look at its log.")
        return f"The web process answers on port {config.port}."
    age = time.monotonic() - given_at
    # One of the future was given before this machine started.
    if not 0 <= age <= LONGEST_SILENCE:
        raise LaunchError(f"The {command} gave its last sign of life {age:.0f} s ago. Start it anew.")
    return f"The {command} gave a sign of life {age:.0f} s ago."


def read_sign(path: str) -> tuple[str, float]:
    """The process's command, and when by the monotonic clock it gave its last sign."""
    if not path:
        raise LaunchError("LIFE_SIGN is not set, so there is no sign of life to look at. Name a file by it.")
    try:
        command, given_at = Path(path).read_text().split()
        return command, float(given_at)
    except OSError as error:
        raise LaunchError(f"Can't read the sign of life in {path}: {error.strerror}.") from None
    except ValueError:
        raise LaunchError(f"{path} holds no sign of life.") from None


if __name__ == "__main__":
    sys.exit(main())
