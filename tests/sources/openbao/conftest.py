"""A source opened on the real server, as a token that an administrator made."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from connections.budgets import NoBudget
from connections.openbao.client import OpenBaoClient
from connections.openbao.tokens import Server
from sources.openbao.source import OpenBaoSource
from tests.openbao import OpenBao
from tests.patience import PATIENCE

Open = Callable[..., OpenBaoSource]


@dataclass
class Handed:
    """Tokens in the order in which they are handed out, each for as long as it is not refused."""

    texts: list[str]
    refused: list[str] = field(default_factory=list)

    def current(self) -> str:
        return self.texts[0]

    def renewed(self, refused: str) -> str | None:
        self.refused.append(refused)
        self.texts.pop(0)
        return self.texts[0] if self.texts else None


def open_client(url: str, *tokens: str, namespace: str = "", **options: Any) -> OpenBaoClient:
    return OpenBaoClient(
        server=Server(url, namespace, "team-vault"),
        tokens=Handed(list(tokens)),
        deadline=timedelta(seconds=PATIENCE),
        budget=NoBudget(),
        wait=lambda seconds: None,
        **options,
    )


@pytest.fixture
def opened(openbao: OpenBao) -> Iterator[Open]:
    """`opened(token, mount="kv")`; the administrator's token if none is given."""
    with ExitStack() as stack:

        def open_source(
            *tokens: str, mount: str = "", version: int = 0, url: str = "", **options: Any
        ) -> OpenBaoSource:
            client = open_client(url or openbao.url, *(tokens or (openbao.root_token,)), **options)
            return stack.enter_context(OpenBaoSource(client, mount=mount, version=version))

        yield open_source
