"""Settings of the test suite: its own data folder and keys, fast password hashing, fast leases."""

import base64
import os
import tempfile
from pathlib import Path

os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="devinsync-tests-"))
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 50)
os.environ.setdefault("ENCRYPTION_KEYS", base64.b64encode(b"tests-only-encryption-key-32byte").decode())
os.environ.setdefault("SYNC_LEASE_SECONDS", "4")
os.environ.setdefault("SYNC_LEASE_RENEWAL_SECONDS", "0.5")
os.environ.setdefault("DEVIN_REQUEST_DEADLINE_SECONDS", "2")
os.environ.setdefault("SYNC_RETRY_BASE_SECONDS", "0.05")

from devinsync_site.settings import *  # noqa: E402, F403
from devinsync_site.settings import DATA_DIR  # noqa: E402

# WhiteNoise warns of a missing folder, and warnings are errors here.
Path(DATA_DIR, "static").mkdir(parents=True, exist_ok=True)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# A file, as in earnest: an in-memory database locks whole tables, and threads and processes could not share it.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "tests.sqlite3"}  # noqa: F405
