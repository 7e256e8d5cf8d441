"""How the product reads its own `.env` and variables."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common.environment import FORMER_NAMES, IN_FILES, BadEnvironment, Environment, is_given, load_file, read_file
from connections.checks import check_former_names

ROOT = Path(__file__).resolve().parents[2]
CANARY = "canary-7f3a"


def load(folder: Path, text: str | bytes, **given: str) -> Environment:
    file = folder / ".env"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    load_file(file, given)
    return Environment(given)


def test_reads_it_as_the_vault_reads_one(tmp_path: Path) -> None:
    text = (
        "\ufeffHTTPS=1 # behind nginx\r\nALLOWED_HOSTS=a, b,,\r\nSECRET_KEY = $abc\r\nDATA_DIR=var # data\r\n"
        "export A='${x} $y'\r\nB=${A}\\${C}\r\nD=\"\\$5\"\r\nD=${@a.b.C}\r\n"
    )

    env = load(tmp_path, text)

    assert env.bool("HTTPS", default=False) is True
    assert env.list("ALLOWED_HOSTS", default=[]) == ["a", "b"]
    assert {name: env.str(name, default="") for name in ("SECRET_KEY", "DATA_DIR", "A", "B", "D")} == {
        "SECRET_KEY": "$abc",
        "DATA_DIR": "var",
        "A": "${x} $y",
        "B": "${A}${C}",
        "D": "${@a.b.C}",
    }


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    assert load(tmp_path, "A=file\nB=file", A="given").str("A", default="") == "given"


def test_no_file_is_no_error(tmp_path: Path) -> None:
    assert read_file(tmp_path / "none" / ".env").entries == {}


# Secrets in files of their own


def in_file(folder: Path, content: str | bytes = CANARY, name: str = "SECRET_KEY", **given: str) -> Environment:
    path = folder / "secret"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Environment({f"{name}_FILE": str(path), **given})


@pytest.mark.parametrize("name", sorted(IN_FILES))
def test_every_secret_setting_may_be_in_a_file(tmp_path: Path, name: str) -> None:
    assert in_file(tmp_path, name=name).str(name, default="") == CANARY


@pytest.mark.parametrize(("name", "former"), FORMER_NAMES.items())
def test_a_setting_is_read_under_its_former_name_too(name: str, former: str) -> None:
    assert Environment({former: "old"}).str(name, default="") == "old"
    assert Environment({former: "", name: "new"}).str(name, default="") == "new"
    with pytest.raises(BadEnvironment, match=f"{name} and {former}, its former name, are both set. Keep {name}."):
        Environment({former: "old", name: "new"}).str(name, default="")


def test_former_names_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, former in FORMER_NAMES.items():
        monkeypatch.setenv(name, "new")
        monkeypatch.delenv(former, raising=False)
    assert check_former_names(None) == []
    monkeypatch.setenv("OUTGOING_PROXY_FILE", "/run/secrets/proxy")

    assert [problem.msg for problem in check_former_names(None)] == ["OUTGOING_PROXY is called OUTBOUND_PROXY now."]


def test_a_file_is_read_by_the_kind_of_its_setting(tmp_path: Path) -> None:
    assert in_file(tmp_path, "b, a\n", "ENCRYPTION_KEYS").list("ENCRYPTION_KEYS", default=[]) == ["b", "a"]
    found = in_file(tmp_path, "postgresql://a:b@host/name\r\n", "DATABASE_URL").db("DATABASE_URL", default="sqlite://")
    assert (found["HOST"], found["NAME"]) == ("host", "name")


def test_a_setting_that_is_no_secret_is_in_no_file(tmp_path: Path) -> None:
    assert in_file(tmp_path, name="HOST").str("HOST", default="127.0.0.1") == "127.0.0.1"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "that is empty"),
        (" \n", "that is empty"),
        (f"{CANARY}\n{CANARY}\n", "that has more than one line"),
        (f"{CANARY}\0", "that has more than one line"),
        (f"{CANARY}\xe4".encode("latin-1"), "that can't be read: it is no path of a text file"),
    ],
)
def test_a_file_that_holds_no_secret_stops_the_start(tmp_path: Path, content: str | bytes, why: str) -> None:
    with pytest.raises(BadEnvironment, match=f"SECRET_KEY_FILE names a file {why}") as refused:
        in_file(tmp_path, content).str("SECRET_KEY", default="")

    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("path", ["/none/{}", "{}", "{}" * 400, "{}\0", "/dev/null/{}"])
def test_a_secret_that_stands_for_its_file_is_not_repeated(path: str) -> None:
    with pytest.raises(BadEnvironment, match=r"SECRET_KEY_FILE names a file that can't be read: ") as refused:
        Environment({"SECRET_KEY_FILE": path.replace("{}", CANARY)}).str("SECRET_KEY", default="")

    assert CANARY not in str(refused.value)
    assert refused.value.__suppress_context__


def test_both_at_once_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadEnvironment, match="SECRET_KEY and SECRET_KEY_FILE are both set"):
        in_file(tmp_path, SECRET_KEY=CANARY).str("SECRET_KEY", default="")
    with pytest.raises(BadEnvironment, match="gives both SECRET_KEY and SECRET_KEY_FILE"):
        load(tmp_path, f"SECRET_KEY={CANARY}\nSECRET_KEY_FILE=/run/secrets/key")


def test_what_is_read_first_wins_in_either_form(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("by file")
    by_file = {"SECRET_KEY_FILE": str(tmp_path / "secret")}

    assert load(tmp_path, "SECRET_KEY=below", **by_file).str("SECRET_KEY", default="") == "by file"
    assert load(tmp_path, "SECRET_KEY_FILE=/none", SECRET_KEY="above").str("SECRET_KEY", default="") == "above"
    assert is_given("SECRET_KEY", by_file)
    assert not is_given("HOST", {"HOST_FILE": "/none"})


UNREADABLE: dict[str, tuple[str | bytes, str]] = {
    "a line without equals sign": (f"A=1\nSECRET_KEY {CANARY}", "Line 2: Expected KEY=value."),
    "an open quote": (f"SECRET_KEY='{CANARY}", "Line 1: The quote of SECRET_KEY, which opens here, is never closed."),
    "another encoding": (f"SECRET_KEY={CANARY}\xe4".encode("latin-1"), "is not UTF-8 text"),
    "two bytes a letter": (f"SECRET_KEY={CANARY}".encode("utf-16"), "is not UTF-8 text"),
    "a zero byte": (f"SECRET_KEY={CANARY}\0".encode(), "Line 1: This is no text"),
    "JSON": (f'{{"SECRET_KEY": "{CANARY}"}}', "Line 1: This looks like JSON."),
    "many lines": ("\n".join([CANARY] * 9), "And 4 more."),
}


@pytest.mark.parametrize(("text", "message"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_file_that_cannot_be_read_stops_the_start(
    tmp_path: Path, text: str | bytes, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    with pytest.raises(BadEnvironment) as caught:
        load(tmp_path, text)

    assert message in str(caught.value)
    assert str(tmp_path / ".env") in str(caught.value)
    assert CANARY not in str(caught.value) + repr(caught.value.__cause__) + caplog.text


def test_a_folder_in_its_place_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()

    with pytest.raises(BadEnvironment, match="Is a directory"):
        read_file(tmp_path / ".env")


@pytest.mark.parametrize("text", ["1", "true", "YES", "on", " y ", "T"])
def test_says_yes(text: str) -> None:
    assert Environment({"A": text}).bool("A", default=False) is True


@pytest.mark.parametrize("text", ["0", "false", "NO", "off", " n ", "F"])
def test_says_no(text: str) -> None:
    assert Environment({"A": text}).bool("A", default=True) is False


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(("bool", text) for text in (CANARY, "1 # behind nginx", "2", "-1", "ja", "“1”", "1,")),
        *(("int", text) for text in (CANARY, "1.5", "1 2", "²", "0x10", "1e3")),
        *(("float", text) for text in (CANARY, "nan", "inf", "1,5", "²")),
        *(("db", text) for text in (CANARY, f"mysql://u:{CANARY}@h/x", f"postgres://u:p@h:{CANARY}/x")),
    ],
)
def test_what_is_not_of_its_kind_stops_the_start(kind: str, text: str) -> None:
    default: Any = "sqlite:///x" if kind == "db" else 0

    with pytest.raises(BadEnvironment, match=r"^A is (neither yes nor no|no )") as caught:
        getattr(Environment({"A": text}), kind)("A", default=default)

    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_blank_is_not_set() -> None:
    env = Environment({"A": "", "B": "  ", "C": " , "})

    assert (env.bool("A", default=True), env.int("B", default=3), env.str("B", default="x")) == (True, 3, "x")
    assert (env.list("C", default=["x"]), env.list("D", default=["y"])) == (["x"], ["y"])
    assert env.db("A", default="sqlite:///x")["NAME"] == "x"


def test_a_password_of_a_database_may_have_a_dollar_sign() -> None:
    url = "postgresql://u:$abc@h/db"

    assert Environment({"A": url}).db("A", default="sqlite:///x")["PASSWORD"] == "$abc"


@pytest.mark.parametrize(
    ("line", "seen"),
    [("HTTPS=1 # behind nginx", "True"), ("HTTPS = off", "False"), (f"HTTPS={CANARY}", "HTTPS is neither")],
)
def test_the_settings_are_read_by_these_rules(tmp_path: Path, line: str, seen: str) -> None:
    (tmp_path / ".env").write_text(f"{line}\nSECRET_KEY=$x\nENCRYPTION_KEYS = {CANARY}\nDATA_DIR={tmp_path} # data\n")
    code = (
        "import sys; from pathlib import Path; from common import environment; load = environment.load_file\n"
        f"environment.load_file = lambda path: load(Path({str(tmp_path)!r}) / path.name)\n"
        "from devinsync_site import settings; print(settings.HTTPS, settings.SECRET_KEY, settings.DATA_DIR)"
    )
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=kept, capture_output=True, text=True, check=False
    )

    assert seen in ended.stdout + ended.stderr
    assert ended.returncode != 0 or f" $x {tmp_path}\n" in ended.stdout
    assert CANARY not in ended.stdout + ended.stderr
