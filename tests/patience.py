"""How long a test waits for what must happen. In one place and generous: it ends only what would never happen.

Nothing here is a measure of speed, so a test passes on a machine that is busy with other things.
"""

import time
from collections.abc import Callable

PATIENCE = 600.0  # seconds. Whole programs run within it, thirteen times as slow on a busy machine as on a quiet one.


def wait_until(is_so: Callable[[], object], *, pause: float = 0.01) -> None:
    """Looks less and less often, down to twenty times a second: whoever is waited for needs the processor."""
    deadline, longest = time.monotonic() + PATIENCE, max(pause, 0.05)
    while not is_so():
        assert time.monotonic() < deadline, f"it did not happen within {PATIENCE:.0f} seconds"
        time.sleep(pause)
        pause = min(1.1 * pause, longest)
