"""Every metric stands in the documentation as it is, and nothing else."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings

from common.counting import Counter, declared
from metrics import middleware
from metrics.gauges import GAUGES, GAUGES_PER_SYNC

TEXT = (Path(settings.BASE_DIR) / "docs" / "metrics.md").read_text()


def row(name: str, what: str, labels: Mapping[str, Sequence[str]]) -> str:
    told = (f"`{label}`: {', '.join(f'`{value}`' for value in values) or 'any'}" for label, values in labels.items())
    return f"| `{name}` | {what} | {'; '.join(told) or 'none'} |"


def test_every_metric_is_documented_as_it_is() -> None:
    assert middleware.ANSWERED in declared()
    counted = [row(each.name, each.what, each.labels) for each in declared()]
    standing = [row(each.name, each.what, each.labels) for each in (*GAUGES, *GAUGES_PER_SYNC)]

    assert [line for line in TEXT.splitlines() if line.startswith("| `devinsync_")] == counted + standing


def test_names_follow_the_custom() -> None:
    """https://prometheus.io/docs/practices/naming/"""
    for each in declared():
        assert re.fullmatch(r"devinsync_[a-z_]+", each.name)
        assert each.name.endswith("_total" if isinstance(each, Counter) else "_seconds")
