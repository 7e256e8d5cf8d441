"""What is found: rows of the answer, kind by kind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Of each kind; who sees so many types on.
MOST = 8


@dataclass(frozen=True)
class Hit:
    """A page to go to. `detail` says where it is; `does` names what a script does in place of following the link."""

    label: str
    url: str
    detail: str = ""
    does: str = ""


@dataclass(frozen=True)
class Group:
    """Those of a kind, the best first. `icon` is one of the theme's; `all_url` a list that shows more of them."""

    title: str
    icon: str
    hits: Sequence[Hit]
    has_more: bool = False
    all_url: str = ""


def group(title: str, icon: str, hits: Iterable[Hit], *, all_url: str = "") -> Group:
    every = list(hits)
    return Group(title, icon, every[:MOST], len(every) > MOST, all_url)
