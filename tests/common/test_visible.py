import pytest

from common.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("DB_URL", "DB_URL"),
        ("", ""),
        ("Größe und 日本", "Größe und 日本"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}LRU_BD", "‹U+202E›LRU_BD"),
        ("A\N{LEFT-TO-RIGHT ISOLATE}B", "A‹U+2066›B"),
        ("A\N{ARABIC LETTER MARK}B", "A‹U+061C›B"),
        ("A\N{ZERO WIDTH SPACE}B", "A‹U+200B›B"),
        ("A\N{ZERO WIDTH NO-BREAK SPACE}", "A‹U+FEFF›"),
        ("A\N{SOFT HYPHEN}B", "A‹U+00AD›B"),
        ("\x1b[2J", "‹U+001B›[2J"),
        ("A\x00\r\nB\x7f\x85", "A‹U+0000›‹U+000D›‹U+000A›B‹U+007F›‹U+0085›"),
        ("A\N{LINE SEPARATOR}B", "A‹U+2028›B"),
        ("\ud83d", "‹U+D83D›"),
        ("A\N{TAG LATIN SMALL LETTER A}", "A‹U+E0061›"),
    ],
)
def test_what_cannot_be_seen_is_shown_by_its_number(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown
