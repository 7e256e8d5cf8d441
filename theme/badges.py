"""Badges: a word in the tone of the state that it names. The one place that says which state looks how."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

TONES = ("ok", "failed", "running", "waiting", "blocked", "off", "info")
TONE_OF_STATE = {
    # A run, and a sync by its last one; "" has never run.
    "succeeded": "ok",
    "failed": "failed",
    "running": "running",
    "pending": "waiting",
    "blocked": "blocked",
    "cancelled": "off",
    "": "off",
    # A change of a run.
    "done": "ok",
    "planned": "waiting",
    "not-attempted": "off",
    "held": "blocked",
    "held-back": "waiting",
    # A connection, a token, a switch.
    "valid": "ok",
    "not-tested": "waiting",
    "live": "ok",
    "expired": "failed",
    "revoked": "off",
    "on": "ok",
    # A delivery, an incident, a channel.
    "sent": "ok",
    "dropped": "off",
    "over": "ok",
    "muted": "waiting",
    "paused": "off",
}


def tone_of(state: object) -> str:
    """A tone stands for itself; a state that nobody named is "info"."""
    word = str(state).lower().replace("_", "-")
    return word if word in TONES else TONE_OF_STATE.get(word, "info")


def badge(state: object, words: object = "") -> SafeString:
    """Without words of its own, it says the state's name."""
    return format_html('<span class="ds-badge ds-badge--{}">{}</span>', tone_of(state), words or in_words(state))


def in_words(state: object) -> str:
    return str(state).replace("_", " ").replace("-", " ").capitalize()
