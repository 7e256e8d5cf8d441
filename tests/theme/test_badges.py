"""One table says which state looks how, and it knows every state that a page shows."""

import pytest

from syncs.choices import Outcome, Status
from theme.badges import TONE_OF_STATE, TONES, badge, tone_of


@pytest.mark.parametrize("state", [*Status.values, *Outcome.values, ""])
def test_every_state_of_a_run_and_of_a_change_has_a_tone(state: str) -> None:
    assert state.replace("_", "-") in TONE_OF_STATE


@pytest.mark.parametrize(
    ("state", "tone"),
    [
        (Status.SUCCEEDED, "ok"),
        (Status.PENDING, "waiting"),
        (Outcome.NOT_ATTEMPTED, "off"),
        ("Blocked", "blocked"),
        ("failed", "failed"),
        ("off", "off"),
        ("unheard-of", "info"),
    ],
)
def test_the_tone_of_a_state(state: str, tone: str) -> None:
    assert tone_of(state) == tone


def test_every_tone_of_the_table_is_one_that_the_style_sheet_draws() -> None:
    assert set(TONE_OF_STATE.values()) <= set(TONES)


def test_a_badge_says_its_states_name_or_words_of_its_own() -> None:
    assert badge("not-tested") == '<span class="ds-badge ds-badge--waiting">Not tested</span>'
    assert badge("running", "Removing") == '<span class="ds-badge ds-badge--running">Removing</span>'


def test_a_badge_escapes_what_it_says() -> None:
    assert "<b>" not in badge("ok", "<b>")
