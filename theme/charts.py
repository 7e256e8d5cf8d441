"""Small charts as SVG text, drawn on the server: no script, no style attribute, colours by class."""

from typing import TypedDict

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH = 720
HEIGHT = 200
BASE = 170
TOP = 18


class Bar(TypedDict):
    """One bar: what stands under it, and its parts from the bottom up, each a tone and a number."""

    label: str
    parts: list[tuple[str, int]]


def draw_bars(bars: list[Bar], *, label: str) -> SafeString:
    highest = max((_total(bar) for bar in bars), default=0)
    step = WIDTH / max(len(bars), 1)
    drawn = [_draw_bar(bar, left=index * step, width=step, highest=highest) for index, bar in enumerate(bars)]
    return format_html(
        '<svg class="ds-chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
        WIDTH,
        HEIGHT,
        label,
        _grid(highest),
        format_html_join("", "{}", ((bar,) for bar in drawn)),
        _labels(bars, step),
    )


def _total(bar: Bar) -> int:
    return sum(number for _, number in bar["parts"])


def _grid(highest: int) -> SafeString:
    line = '<line class="ds-chart__grid" x1="0" x2="{}" y1="{}" y2="{}"/>'
    base = format_html(line, WIDTH, BASE, BASE)
    if not highest:
        return base
    top = format_html(line, WIDTH, TOP, TOP)
    return format_html('{}{}<text x="0" y="{}">{}</text>', base, top, TOP - 4, highest)


def _draw_bar(bar: Bar, *, left: float, width: float, highest: int) -> SafeString:
    gap = min(width * 0.22, 8)
    floor = float(BASE)
    rectangles = []
    for tone, number in bar["parts"]:
        height = (BASE - TOP) * number / highest if highest else 0
        floor -= height
        rectangles.append((tone, f"{left + gap / 2:.1f}", f"{floor:.1f}", f"{width - gap:.1f}", f"{height:.1f}"))
    words = ", ".join(f"{number} {tone}" for tone, number in bar["parts"] if number) or "none"
    return format_html(
        "<g><title>{}: {}</title>{}</g>",
        bar["label"],
        words,
        format_html_join(
            "",
            '<rect class="ds-chart__part ds-chart__part--{}" x="{}" y="{}" width="{}" height="{}" rx="2"/>',
            (rectangle for rectangle in rectangles if rectangle[4] != "0.0"),
        ),
    )


def _labels(bars: list[Bar], step: float) -> SafeString:
    """Under every sixth bar or so: more would run into each other."""
    every = max(len(bars) // 4, 1)
    chosen = ((f"{index * step:.1f}", BASE + 22, bar["label"]) for index, bar in enumerate(bars) if index % every == 0)
    return format_html_join("", '<text x="{}" y="{}">{}</text>', chosen)
