"""The note on each secret: words for people, a tag for us."""

from dataclasses import replace
from typing import Any

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from encryption.keyring import generate_key
from syncs.engine.notes import LONGEST_NOTE, LONGEST_WORDS, Tag, compose_note, why_other_words, words_of_comment
from syncs.engine.tags import is_genuine, new_tag

TAG = Tag("1f2e3d4c", "0a1b2c3d", 12, "A" * 22)


def test_says_where_the_secret_comes_from_and_ends_in_the_tag() -> None:
    note = compose_note("dev:/my-secrets", TAG)

    assert note == (
        "Synced by DevinSync from dev:/my-secrets [ds1 i=1f2e3d4c s=0a1b2c3d g=12 n=AAAAAAAAAAAAAAAAAAAAAA]"
    )
    assert Tag.read(note) == TAG


@given(
    label=st.text(max_size=600),
    generation=st.integers(min_value=0, max_value=10**18 - 1),
    instance=st.from_regex(r"[0-9a-f]{8}", fullmatch=True),
)
def test_every_note_is_read_back_and_short(label: str, generation: int, instance: str) -> None:
    tag = new_tag(instance, "0a1b2c3d", generation, destination_key="A")

    note = compose_note(label, tag)

    assert Tag.read(note) == tag
    assert len(note) <= LONGEST_NOTE


@pytest.mark.parametrize(
    "note",
    [
        None,
        "",
        "mine",
        str(TAG)[:-1],
        f"{TAG} edited",
        str(TAG).replace("ds1", "ds2"),
        str(TAG).replace("g=12", "g=-1"),
        str(TAG).replace("1f2e3d4c", "1F2E3D4C"),
        str(TAG).replace("A" * 22, "A" * 21),
        str(TAG).replace("g=12", "g=" + "9" * 19),
    ],
)
def test_anything_else_is_somebody_elses(note: str | None) -> None:
    assert Tag.read(note) is None


def test_blanks_after_the_tag_do_no_harm() -> None:
    assert Tag.read(f"words {TAG} \n") == TAG


def test_a_tag_within_the_words_is_not_the_tag() -> None:
    other = Tag("00000000", "11111111", 99, "B" * 22)

    assert Tag.read(compose_note(f"dev:/{other}", TAG)) == TAG


def test_nonces_are_never_the_same() -> None:
    tags = [new_tag("1f2e3d4c", "0a1b2c3d", 1, destination_key="A") for _ in range(1000)]

    assert len({tag.nonce for tag in tags}) == 1000


def test_a_genuine_tag_is_known_after_a_trip_through_a_note() -> None:
    tag = new_tag("1f2e3d4c", "0a1b2c3d", 12, destination_key="A")

    read = Tag.read(compose_note("dev:/", tag))

    assert read is not None
    assert is_genuine(read, "A")


def test_a_genuine_tag_outlives_the_rotation_of_keys(settings: LazySettings) -> None:
    tag = new_tag("1f2e3d4c", "0a1b2c3d", 12, destination_key="A")

    settings.ENCRYPTION_KEYS = [generate_key(), *settings.ENCRYPTION_KEYS]

    assert is_genuine(tag, "A")


@pytest.mark.parametrize(
    "change",
    [
        {"generation": 999_999_999_999_999_999},
        {"sync": "ffffffff"},
        {"instance": "ffffffff"},
        {"nonce": "A" * 22},
        {"nonce": "-" * 21},
        {"key": "B"},
    ],
    ids=str,
)
def test_a_tag_that_we_did_not_write_is_not_genuine(change: dict[str, Any]) -> None:
    tag = new_tag("1f2e3d4c", "0a1b2c3d", 12, destination_key="A")
    key = change.pop("key", "A")

    assert not is_genuine(replace(tag, **change), key)


@pytest.mark.parametrize(
    ("comment", "words"),
    [
        ("", ""),
        (" only for\r\n\tstaging \x00", "only for staging"),
        ("pay\u202eload\u200b", "payload"),
        ("half \ud800 a sign", "half a sign"),
        ("one\u2028two\u0085three", "one two three"),
        ("x" * LONGEST_WORDS, "x" * LONGEST_WORDS),
        ("x" * 500, "x" * (LONGEST_WORDS - 1) + "…"),
    ],
)
def test_a_comment_is_one_line_that_has_room(comment: str, words: str) -> None:
    assert words_of_comment(comment) == words


@given(comment=st.text(max_size=400), generation=st.integers(min_value=0, max_value=10**18 - 1))
def test_a_note_of_a_comment_is_read_back_and_is_no_change(comment: str, generation: int) -> None:
    tag = new_tag("1f2e3d4c", "0a1b2c3d", generation, destination_key="A")
    words = words_of_comment(comment)

    note = compose_note("dev:/", tag, words=words)

    assert Tag.read(note) == tag
    assert len(note) <= LONGEST_NOTE
    assert why_other_words(words, note) == ""


BECOMES, CHANGED, GONE = "becomes its note", "comment changed", "no longer holds a comment"


@pytest.mark.parametrize(
    ("words", "written", "reason"),
    [
        ("new", "", BECOMES),
        ("new", "old", CHANGED),
        ("", "old", GONE),
        ("", "", ""),
        ("", "Synced by DevinSync from a folder that is now called otherwise", ""),
    ],
)
def test_says_why_a_note_is_written_again(words: str, written: str, reason: str) -> None:
    assert reason in why_other_words(words, compose_note("dev:/", TAG, words=written))
    assert bool(reason) == bool(why_other_words(words, compose_note("dev:/", TAG, words=written)))


def test_a_strangers_note_is_no_reason_to_write() -> None:
    assert why_other_words("new", "their note") == why_other_words("", "their note") == ""
