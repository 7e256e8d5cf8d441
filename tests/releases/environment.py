"""The keys, the address and the names that every kept database was made with."""

import base64
import os
from pathlib import Path

from tests.patience import PATIENCE

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Where the sandbox was; a test starts another and leads the connections there.
DEVIN = "http://127.0.0.1:8191"
API_KEY = "cog_sandbox"
PASSWORD = "open-sesame-once"
# A second organization, in the middle of whose first run the process died.
CUT_OFF = "org-cut-off"


# What ends requests and leases in earnest ends none because a machine is slow.
PATIENT = {
    "DEVIN_REQUEST_DEADLINE_SECONDS": str(PATIENCE),
    "DEVIN_WRITE_DEADLINE_SECONDS": str(PATIENCE),
    "SYNC_LEASE_SECONDS": str(4 * PATIENCE),
}
OF_TESTS = ("DJANGO_", "SYNC_", "DEVIN_")


def environment(address: str, data: Path, **more: str) -> dict[str, str]:
    """For a process on the database at this address; without what the tests' own settings say."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OF_TESTS)} | {
        "DJANGO_SETTINGS_MODULE": "devinsync_site.settings",
        "DATABASE_URL": address,
        "DATA_DIR": str(data),
        "SECRET_KEY": "releases-only-" + "x" * 50,
        "ENCRYPTION_KEYS": base64.b64encode(b"tests-only-encryption-key-32byte").decode(),
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        "DEVIN_HOSTS": "127.0.0.1",
        # Nothing listens there: nobody is rung, the programs carry out the runs themselves.
        "REDIS_URL": "redis://127.0.0.1:1/0",
        **more,
    }


def kept_versions() -> list[Path]:
    """The folders of the kept databases, oldest first."""
    return sorted((path.parent for path in HERE.glob("*/facts.json")), key=lambda path: order_of(path.name))


def order_of(name: str) -> list[int]:
    """Of `1.10.0`, or of `0.0.1-first-day`, which was no release."""
    return [int(number) for number in name.partition("-")[0].split(".")]
