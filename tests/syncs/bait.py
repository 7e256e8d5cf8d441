"""What no job may reach: importing this module, or calling what is in it, leaves a file behind."""

import os
from pathlib import Path
from typing import Any


def bite(*args: Any, **kwargs: Any) -> None:
    Path(os.environ.get("BAIT", os.devnull)).touch()


class Bait:
    def bite(self) -> None:
        bite()


bite()
