"""The note on each secret: words for people, a tag for us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncs.engine.notes import LONGEST_NOTE, Tag, compose_note, new_nonce

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
    tag = Tag(instance, "0a1b2c3d", generation, new_nonce())

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
    assert len({new_nonce() for _ in range(1000)}) == 1000
