"""Makes the data folder ready: its mode, generated keys, and what `manage.py prepare` does to the database."""

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from launcher.config import ROOT, Config
from launcher.errors import LaunchError
from launcher.supervise import hint

SETTINGS = "devinsync_site.settings"
GENERATED: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "ENCRYPTION_KEYS": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
}


@dataclass(frozen=True)
class Login:
    """The first administrator, and the password where this start has set one."""

    username: str
    password: str | None = field(repr=False)
    notice: str | None


def prepare_folder(config: Config) -> None:
    """Creates the data folder, open to this user only, and the keys that neither environment nor `.env` gives."""
    try:
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not any(config.data_dir.iterdir()):  # a folder with other things in it may be shared with others
            config.data_dir.chmod(0o700)
        config.logs.mkdir(mode=0o700, exist_ok=True)
        generate_keys(config)
    except OSError as error:
        raise LaunchError(
            f"Can't write to {config.data_dir}: {error.strerror}. Set DATA_DIR to a folder of this user."
        ) from None


def generate_keys(config: Config) -> None:
    from common.environment import is_given

    path = config.data_dir / "secrets.env"
    present = path.read_text() if path.exists() else ""
    names = names_in(path)
    missing = [name for name in GENERATED if name not in names and not is_given(name)]
    if "ENCRYPTION_KEYS" in missing:
        refuse_lost_keys(config)
    # Written even with nothing missing, so that an unwritable folder is found at once.
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
        os.fchmod(file.fileno(), 0o600)
        if present and not present.endswith("\n"):
            file.write("\n")
        for name in missing:
            file.write(f"{name}={GENERATED[name]()}\n")


def refuse_lost_keys(config: Config) -> None:
    """A new key beside data that other keys have sealed would look like a start, and read nothing."""
    from common.environment import is_given

    if not is_given("DATABASE_URL") and not (config.data_dir / "devinsync.sqlite3").exists():
        return
    log = config.logs / "prepare.log"
    thrown_away = {name: generate() for name, generate in GENERATED.items() if not is_given(name)}
    environment = os.environ | thrown_away | {"DATA_DIR": str(config.data_dir), "DJANGO_SETTINGS_MODULE": SETTINGS}
    with log.open("wb") as errors:
        ended = subprocess.run(
            manage("encryption_keys", "--json"),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            check=False,
        )
    if ended.returncode != 0:
        raise LaunchError(f"Could not see whether the database holds sealed data, so no key was made. {hint(log)}")
    if used := sorted(json.loads(ended.stdout)):
        raise LaunchError(
            f"The database holds data sealed with encryption key {', '.join(used)}, and there is no key: neither in "
            f"{config.data_dir / 'secrets.env'} nor in ENCRYPTION_KEYS. Put that file back from where it is kept. "
            "No new key was made. To begin anew, name an empty database by DATABASE_URL or another folder by DATA_DIR."
        )


def names_in(path: Path) -> set[str]:
    """The keys that a file has. One that can't be read stops the start, or a second key would hide the first."""
    from common.environment import BadEnvironment, read_file

    try:
        return set(read_file(path).entries)
    except BadEnvironment as error:
        raise LaunchError(str(error)) from None


def prepare_site(config: Config, environment: Mapping[str, str]) -> Login:
    """Migrates and collects static files before any other process opens the database."""
    log = config.logs / "prepare.log"
    with log.open("wb") as errors:
        ended = subprocess.run(
            manage("prepare"), cwd=ROOT, env=dict(environment), stdout=subprocess.PIPE, stderr=errors, check=False
        )
    if ended.returncode != 0:
        raise LaunchError(f"Could not prepare the site: {hint(log)}")
    return Login(**json.loads(ended.stdout.splitlines()[-1]))


def manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(ROOT / "manage.py"), *arguments)
