import base64
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from launcher.config import Config
from launcher.errors import LaunchError
from launcher.prepare import prepare_folder


@pytest.fixture
def config(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return Config(data_dir=data_dir, host="127.0.0.1", port=8000, workers=2, redis_url="")


def generated(config: Config) -> dict[str, str]:
    lines = (config.data_dir / "secrets.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_generates_keys_once_for_this_user_alone(config: Config) -> None:
    prepare_folder(config)
    first = generated(config)
    prepare_folder(config)

    assert generated(config) == first
    assert len(first["SECRET_KEY"]) >= 50
    assert len(base64.b64decode(first["ENCRYPTION_KEYS"], validate=True)) == 32
    assert (config.data_dir / "secrets.env").stat().st_mode & 0o777 == 0o600
    assert config.data_dir.stat().st_mode & 0o777 == 0o700


def test_generates_only_what_is_missing(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "given")
    config.data_dir.mkdir()
    (config.data_dir / "secrets.env").write_text("ENCRYPTION_KEYS=kept")  # without a line break at its end

    prepare_folder(config)
    monkeypatch.delenv("SECRET_KEY")
    prepare_folder(config)

    assert generated(config).keys() == {"ENCRYPTION_KEYS", "SECRET_KEY"}
    assert generated(config)["ENCRYPTION_KEYS"] == "kept"


def test_makes_no_key_that_is_in_a_file(config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS_FILE", str(tmp_path / "keys"))

    prepare_folder(config)

    assert generated(config).keys() == {"SECRET_KEY"}


def test_finds_a_key_however_it_is_written(config: Config) -> None:
    config.data_dir.mkdir()
    text = "SECRET_KEY = kept # by hand\nexport ENCRYPTION_KEYS='kept'\n"
    (config.data_dir / "secrets.env").write_text(text)

    prepare_folder(config)

    assert (config.data_dir / "secrets.env").read_text() == text


def test_generates_nothing_beside_what_it_cannot_read(config: Config) -> None:
    config.data_dir.mkdir()
    (config.data_dir / "secrets.env").write_text("ENCRYPTION_KEYS='canary\n")

    with pytest.raises(LaunchError, match=r"secrets\.env can't be read\. Line 1: The quote") as caught:
        prepare_folder(config)

    assert "canary" not in str(caught.value)
    assert (config.data_dir / "secrets.env").read_text() == "ENCRYPTION_KEYS='canary\n"


def seal_something(config: Config) -> None:
    """A database with one sealed credential, as far as the keys that it is sealed with are concerned."""
    config.data_dir.mkdir()
    with closing(sqlite3.connect(config.data_dir / "devinsync.sqlite3")) as database:
        database.execute("CREATE TABLE connections_connection (id TEXT, sealed_credentials TEXT)")
        database.execute("INSERT INTO connections_connection VALUES ('1', 'ds1.0ddba11a.canary')")
        database.commit()


@pytest.mark.parametrize("left", [None, "", "SECRET_KEY=kept\n"])
def test_makes_no_key_beside_what_others_have_sealed(config: Config, left: str | None) -> None:
    seal_something(config)
    path = config.data_dir / "secrets.env"
    if left is not None:
        path.write_text(left)

    with pytest.raises(LaunchError, match=r"sealed with encryption key 0ddba11a, and there is no key") as caught:
        prepare_folder(config)

    assert "canary" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert (path.read_text() if path.exists() else None) == left


def test_makes_a_new_key_to_sign_with_where_only_that_is_lost(config: Config) -> None:
    seal_something(config)
    (config.data_dir / "secrets.env").write_text("ENCRYPTION_KEYS=kept\n")

    prepare_folder(config)

    assert generated(config)["ENCRYPTION_KEYS"] == "kept"
    assert generated(config).keys() == {"ENCRYPTION_KEYS", "SECRET_KEY"}


def test_makes_keys_for_a_database_that_nothing_is_sealed_in(config: Config) -> None:
    config.data_dir.mkdir()
    (config.data_dir / "devinsync.sqlite3").touch()

    prepare_folder(config)

    assert generated(config).keys() == {"ENCRYPTION_KEYS", "SECRET_KEY"}


def test_makes_no_key_where_it_cannot_see_the_database(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:canary@127.0.0.1:9/none")

    with pytest.raises(LaunchError, match="Could not see whether the database holds sealed data") as caught:
        prepare_folder(config)

    assert "canary" not in str(caught.value)
    assert not (config.data_dir / "secrets.env").exists()


def test_leaves_the_mode_of_a_folder_that_others_use(config: Config) -> None:
    config.data_dir.mkdir()
    config.data_dir.chmod(0o755)
    (config.data_dir / "somebody-elses").touch()

    prepare_folder(config)

    assert config.data_dir.stat().st_mode & 0o777 == 0o755


def test_says_what_to_do_where_it_cannot_write(config: Config) -> None:
    config.data_dir.parent.mkdir(exist_ok=True)
    config.data_dir.write_text("a file is in the way")

    with pytest.raises(LaunchError, match=r"Can't write to .*: .*\. Set DATA_DIR to a folder of this user\."):
        prepare_folder(config)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_says_what_to_do_where_it_may_not_write(config: Config) -> None:
    config.data_dir.mkdir(mode=0o500)

    with pytest.raises(LaunchError, match="Permission denied"):
        prepare_folder(replace(config, data_dir=config.data_dir / "var"))
