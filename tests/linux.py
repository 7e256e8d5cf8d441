"""What tests see of other processes, they see in Linux' /proc. Elsewhere, as on macOS, they are skipped."""

import os

import pytest

needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="There is no /proc on this machine.")
