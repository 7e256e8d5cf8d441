import base64
import os
from dataclasses import replace
from pathlib import Path

import pytest

from launcher.config import Config
from launcher.errors import LaunchError
from launcher.prepare import prepare_folder


@pytest.fixture
def config(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    for name in ("SECRET_KEY", "ENCRYPTION_KEYS"):
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
