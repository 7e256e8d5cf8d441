"""Choices drawn by hand say what Django's templates say."""

from django.forms import Select
from django.test.html import parse_html

from theme.widgets import DrawnSelect

EVIL = '<b a="1">&'
CHOICES = [("", "Choose one"), (7, "seven"), (EVIL, EVIL), (f"of {EVIL}", [("x", "X"), ("y", EVIL)])]


def test_a_select_is_djangos() -> None:
    for value in ("", 7, "7", EVIL, "y", None, "gone"):
        attrs = {"id": EVIL, "required": True, "disabled": False, "class": "wide"}

        drawn = DrawnSelect(choices=CHOICES).render(f"n{EVIL}", value, attrs)

        assert parse_html(drawn) == parse_html(Select(choices=CHOICES).render(f"n{EVIL}", value, attrs))
        assert "<b" not in drawn
