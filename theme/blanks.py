"""Rows of one shape: its template is drawn once, with blanks, and these are filled in for each row.

To draw a template for each of fifty rows takes longer than all the rest of a page.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from common.reversing import NO_ID

# Characters that stand for nothing.
MARK = "\ue000{}\ue001"
BLANK = re.compile(f"\ue000(\\w+)\ue001|({NO_ID})")


def draw_rows(
    template: str,
    request: HttpRequest,
    context: Mapping[str, object],
    rows: Iterable[Mapping[str, Any]],
    *,
    blanks: Iterable[str],
) -> SafeString:
    """Each row says what stands in each of the `blanks`, which the template knows as `blank.key`, and its `pk`.

    What is filled in is escaped unless it is safe; of the row itself the template knows nothing, so it can't choose by
    it.
    """
    blank = {"pk": NO_ID} | {name: mark_safe(MARK.format(name)) for name in blanks}  # noqa: S308 - no text of anybody
    drawn = render_to_string(template, {**context, "blank": blank}, request)
    # Between the texts stand the names of the blanks, each with the id's that is not there.
    parts = [part for part in BLANK.split(drawn) if part is not None]
    texts, names = parts[::2], ["pk" if name == str(NO_ID) else name for name in parts[1::2]]
    return mark_safe("".join(_filled(texts, names, row) for row in rows))  # noqa: S308 - escaped as it is filled in


def _filled(texts: list[str], names: list[str], row: Mapping[str, Any]) -> str:
    escaped = {name: conditional_escape(value) for name, value in row.items()}
    return texts[0] + "".join(escaped[name] + text for name, text in zip(names, texts[1:], strict=True))
