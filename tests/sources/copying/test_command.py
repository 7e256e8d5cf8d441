"""`manage.py import_infisical`: the same copy, for a terminal and for scripts."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import Entry
from connections.models import Connection
from sandbox.infisical.world import Edition, Project, Secret
from tests.actors import ANYBODY
from tests.sources.hostile import CANARY
from vault import models as vault
from vault.editing import set_secret


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def edition() -> Edition:
    return Edition.NEW


@pytest.fixture
def arguments(filled: Project, connection_to_it: Connection) -> dict[str, Any]:
    return {"connection": "team-vault", "project": "shop", "into": "Moved in"}


def run(arguments: dict[str, Any], **more: Any) -> str:
    out = io.StringIO()
    call_command("import_infisical", **arguments, **more, stdout=out, stderr=out)
    return out.getvalue()


def test_it_copies_and_says_what(arguments: dict[str, Any]) -> None:
    told = run(arguments, yes=True)

    assert "folder dev:/app (new): 6 new, 0 differ, 0 as before; 2 imports, 3 references" in told
    assert "secrets: 9 new" in told
    assert CANARY not in told
    assert vault.Project.objects.get().slug == "moved-in"
    line = Entry.objects.get(kind="project")
    assert (line.actor, line.action, line.name) == ("(command line)", "added", "Moved in")


def test_a_plan_writes_nothing_and_ends_with_2_if_something_would_be(arguments: dict[str, Any]) -> None:
    with pytest.raises(SystemExit) as end:
        run(arguments, plan=True)
    assert end.value.code == 2
    assert not vault.Project.objects.exists()

    run(arguments, yes=True)
    assert "Nothing was written: this was the plan." in run(arguments, plan=True)


def test_without_a_terminal_it_wants_to_be_told(arguments: dict[str, Any]) -> None:
    with pytest.raises(CommandError, match="add --yes"):
        run(arguments)
    assert not vault.Project.objects.exists()


@pytest.mark.parametrize("answer", ["yes", "", "no", "y"])
def test_at_a_terminal_it_asks(answer: str, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer + "\n"))

    if answer == "yes":
        run(arguments)
    else:
        with pytest.raises(CommandError, match="Nothing was written"):
            run(arguments)

    assert vault.Project.objects.exists() == (answer == "yes")


@pytest.mark.parametrize("replace", [False, True])
def test_what_differs_stays_unless_it_is_to_be_replaced(replace: bool, arguments: dict[str, Any]) -> None:
    run(arguments, yes=True)
    folder = vault.Folder.objects.get(environment__slug="dev", path="/app")
    set_secret(folder, "B", "mine", by=ANYBODY)

    told = run(arguments, yes=True, replace=replace)

    assert "~ differs dev:/app B" in told
    assert folder.secrets.get(key="B").version == (3 if replace else 2)


def test_what_the_vault_does_not_take_is_left_out_on_demand(arguments: dict[str, Any], filled: Project) -> None:
    filled.environments["prod"].folders["/"].secrets.append(Secret("BAD KEY", CANARY))

    with pytest.raises(CommandError, match="does not take 1"):
        run(arguments, yes=True)
    assert not vault.Project.objects.exists()

    assert "! not taken prod:/ BAD KEY" in run(arguments, yes=True, leave_out=True)
    assert vault.Project.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"connection": "nobody"}, "There is no connection nobody to Infisical. There is: team-vault."),
        ({"project": "nothing"}, "nothing"),
        ({"environment": ["qa"]}, "no environment qa"),
        ({"into": ""}, "Enter a name"),
        ({"actor": "nobody"}, "no active user nobody"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_written(
    wrong: dict[str, Any], told: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(CommandError) as refusal:
        run(arguments | wrong, yes=True)

    assert told in str(refusal.value)
    assert not vault.Project.objects.exists()


def test_only_some_environments(arguments: dict[str, Any]) -> None:
    run(arguments, environment=["dev", "prod"], yes=True)

    assert set(vault.Environment.objects.values_list("slug", flat=True)) == {"dev", "prod"}
