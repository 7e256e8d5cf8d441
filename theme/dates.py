"""The years, months or days that a changelist can be narrowed to, from its first row's date to its last one's.

Django's own looks at the date of each row, to leave out those between that have none: of many thousand rows that takes
longer than the rest of the page.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst

YEAR, MONTH, DAY = "year", "month", "day"
PARTS = (YEAR, MONTH, DAY)
FORMATS = ("Y", "YEAR_MONTH_FORMAT", "MONTH_DAY_FORMAT")
Chosen = dict[str, int]


def dates_of(cl: Any) -> dict[str, Any]:
    """What `admin/date_hierarchy.html` is drawn from."""
    chosen = _chosen(cl.params, cl.date_hierarchy)
    span = _span(cl.queryset, cl.date_hierarchy)
    if span and not chosen:
        chosen = _in_common(*span)
    if DAY in chosen:
        choices = [{"title": _title(date(*chosen.values()), 2)}]
    else:
        choices = [_link(cl, day, len(chosen)) for day in (_between(*span, len(chosen)) if span else ())]
    return {"show": True, "back": _back(cl, chosen), "choices": choices}


def _chosen(params: Mapping[str, Any], field: str) -> Chosen:
    """From the year on, as far as they are chosen."""
    found: Chosen = {}
    for part in PARTS:
        if not (value := params.get(f"{field}__{part}")):
            break
        found[part] = int(value)
    return found


def _span(rows: Any, field: str) -> tuple[date, date] | None:
    """Each end by itself, which an index answers at once."""
    dates = rows.exclude(**{field: None}).values_list(field, flat=True)
    ends = (dates.order_by(field)[:1], dates.order_by(f"-{field}")[:1])
    found = [_local(at) for end in ends for at in end]
    return (found[0], found[1]) if len(found) == len(ends) else None


def _local(at: date) -> date:
    return timezone.localtime(at).date() if isinstance(at, datetime) else at


def _in_common(first: date, last: date) -> Chosen:
    """There is no use in choosing among one."""
    if first.year != last.year:
        return {}
    return {YEAR: first.year} | ({MONTH: first.month} if first.month == last.month else {})


def _between(first: date, last: date, depth: int) -> list[date]:
    match depth:
        case 0:
            return [date(year, 1, 1) for year in range(first.year, last.year + 1)]
        case 1:
            return [date(first.year, month, 1) for month in range(first.month, last.month + 1)]
        case _:
            return [date(first.year, first.month, day) for day in range(first.day, last.day + 1)]


def _link(cl: Any, day: date, depth: int) -> dict[str, str]:
    return {
        "link": _address(cl, {part: getattr(day, part) for part in PARTS[: depth + 1]}),
        "title": _title(day, depth),
    }


def _back(cl: Any, chosen: Chosen) -> dict[str, str] | None:
    """To what is one step wider."""
    if not chosen:
        return None
    wider = dict(list(chosen.items())[:-1])
    title = _title(date(*wider.values(), *[1] * (3 - len(wider))), len(wider) - 1) if wider else "All dates"
    return {"link": _address(cl, wider), "title": title}


def _address(cl: Any, chosen: Chosen) -> str:
    field = cl.date_hierarchy
    return str(cl.get_query_string({f"{field}__{part}": value for part, value in chosen.items()}, [f"{field}__"]))


def _title(day: date, depth: int) -> str:
    return capfirst(date_format(day, FORMATS[depth]))
