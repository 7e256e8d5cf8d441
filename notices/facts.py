"""What is so at this moment and somebody should know: a fact. Values alone; what finds them stands in `finding/`."""

import re
from dataclasses import dataclass
from uuid import UUID

NAMED_KEYS = 3
KEY = r"[A-Za-z0-9_](?:[A-Za-z0-9_./-]*[A-Za-z0-9_])?"
# As `syncs.engine.report.named` writes them, from the fourth on.
MANY_KEYS = re.compile(rf"((?:{KEY}, ){{{NAMED_KEYS - 1}}}{KEY}), ({KEY}(?:, {KEY})*)(?: and (\d+) more)?")


@dataclass(frozen=True)
class Fact:
    """`subject` tells it from others of its kind; `link` is the path of the page where a person goes on."""

    subject: str
    title: str
    text: str = ""
    link: str = ""
    project_id: UUID | None = None
    sync_id: UUID | None = None


def with_few_keys(text: str) -> str:
    """The first three keys of each list of them, and how many more there are: a message travels further than a page."""

    def cut(found: re.Match[str]) -> str:
        more = found[2].count(", ") + 1 + int(found[3] or 0)
        return f"{found[1]} and {more} more"

    return MANY_KEYS.sub(cut, text)


def counted(names: list[str]) -> str:
    """ "A, B, C and 4 more": the first of all these names."""
    more = f" and {len(names) - NAMED_KEYS} more" if len(names) > NAMED_KEYS else ""
    return ", ".join(names[:NAMED_KEYS]) + more
