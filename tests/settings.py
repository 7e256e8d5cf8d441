"""Settings of the test suite: its own data folder and keys, fast password hashing, no hurry."""

import atexit
import base64
import os
import shutil
import tempfile
from pathlib import Path

from tests.patience import PATIENCE

if "DATA_DIR" not in os.environ:
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="devinsync-tests-")
    # Processes that a test starts have the variable, so the folder goes with the one that made it.
    atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 50)
os.environ.setdefault("ENCRYPTION_KEYS", base64.b64encode(b"tests-only-encryption-key-32byte").decode())
# What ends requests and leases in earnest never does so here because a machine is slow; a test that is about the end
# brings it about.
os.environ.setdefault("DEVIN_REQUEST_DEADLINE_SECONDS", str(PATIENCE))
os.environ.setdefault("DEVIN_WRITE_DEADLINE_SECONDS", str(PATIENCE))
os.environ.setdefault("NOTIFY_DEADLINE_SECONDS", str(PATIENCE))
os.environ.setdefault("SYNC_LEASE_SECONDS", str(4 * PATIENCE))
# Nor is what happens soon after another thing taken for what happens later.
os.environ.setdefault("SYNC_QUIET_SECONDS", str(PATIENCE))
os.environ.setdefault("SYNC_LONGEST_WAIT_SECONDS", str(3 * PATIENCE))
os.environ.setdefault("SYNC_RING_AGAIN_SECONDS", str(PATIENCE))
os.environ.setdefault("DEVIN_HOSTS", "api.devin.ai,.example,devin.example.com")
os.environ.setdefault("SOURCE_HOSTS", "app.infisical.com,eu.infisical.com,.example")
os.environ.setdefault("SYNC_RETRY_BASE_SECONDS", "0.05")
# Each of several test processes has a folder of its own.
worker = os.environ.get("PYTEST_XDIST_WORKER")
if worker and Path(os.environ["DATA_DIR"]).name != worker:
    os.environ["DATA_DIR"] = str(Path(os.environ["DATA_DIR"]) / worker)

from devinsync_site.settings import *  # noqa: E402, F403
from devinsync_site.settings import DATA_DIR  # noqa: E402

# WhiteNoise warns of a missing folder, and warnings are errors here.
Path(DATA_DIR, "static").mkdir(parents=True, exist_ok=True)
# A test empties its tables afterwards, which these refuse; the audit log's own tests install them.
AUDIT_TRIGGERS = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# A file, as in earnest: an in-memory database locks whole tables, and threads and processes could not share it.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "tests.sqlite3"}  # noqa: F405
    # A process that is killed loses nothing by it, and no test's rows have to outlive the machine.
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"  # noqa: F405
