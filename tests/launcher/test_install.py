import subprocess
import sys
from pathlib import Path

import pytest

from launcher import install


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(sys, "argv", ["install", "requirements.txt"])
    monkeypatch.delenv("INSTALLER", raising=False)  # by which these tests themselves were installed
    (tmp_path / "requirements.txt").write_text("")


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """A virtual environment that notes what an installer was asked for."""
    (tmp_path / ".venv").mkdir()
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(install, "probed", lambda venv: (sys.version_info.minor, True))
    monkeypatch.setattr(install, "run_installer", lambda *arguments: asked.append(arguments))
    return asked


def test_installs_only_what_changed(tmp_path: Path, venv: list[tuple[str, ...]]) -> None:
    assert install.main() == 0
    assert install.main() == 0
    assert len(venv) == 1

    (tmp_path / "requirements.txt").write_text("# changed")

    assert install.main() == 0
    assert len(venv) == 2
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(venv[0])


def test_installs_again_for_another_python(venv: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    assert install.main() == 0
    monkeypatch.setattr(install, "probed", lambda venv: (99, True))

    assert install.main() == 0
    assert len(venv) == 2


@pytest.mark.parametrize(("installer", "told"), [("conda", "knows pip and uv only"), ("uv", "there is no uv on PATH")])
def test_tells_of_an_installer_that_is_not_there(
    installer: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INSTALLER", installer)
    monkeypatch.setenv("PATH", "")

    assert install.main() == 1

    [line] = capsys.readouterr().err.splitlines()
    assert told in line


def test_tells_of_a_python_without_venv(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")

    assert install.main() == 1

    [line] = capsys.readouterr().err.splitlines()
    assert "has no venv module" in line
    assert "apt-get install python3-venv" in line


def test_tells_of_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in-the-way").touch()
    monkeypatch.setattr(install, "VENV", tmp_path / "in-the-way" / ".venv")

    assert install.main() == 1

    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"devinsync: Could not create {tmp_path / 'in-the-way' / '.venv'}: ")


def test_tells_what_pip_could_not_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / "requirements.txt").write_text("no-such-package==1.0 --hash=sha256:" + "0" * 64)
    monkeypatch.setattr(install, "python_of", lambda venv: Path(sys.executable))
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    assert install.main() == 1

    [line] = capsys.readouterr().err.splitlines()
    assert "pip could not install requirements.txt: ERROR: No matching distribution found for no-such-package" in line
    assert not list((tmp_path / ".venv").glob("*.installed"))


@pytest.mark.parametrize("python", ["/bin/false", "/nonexistent/python3.10"])
def test_make_tells_of_a_python_that_is_too_old(python: str) -> None:
    root = Path(__file__).resolve().parent.parent.parent
    ended = subprocess.run(["make", "run", f"PYTHON={python}"], cwd=root, capture_output=True, text=True, check=False)

    first, *rest = ended.stderr.splitlines()
    assert ended.returncode != 0
    assert first.startswith(f"devinsync: {python} is not Python 3.11 or newer.")
    assert all(line.startswith("make") for line in rest)
