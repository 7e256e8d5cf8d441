"""Where an error came from, for a log that must not repeat what the error says: its text may hold a value."""

import traceback

INNERMOST_FRAMES = 8


def places(error: BaseException) -> str:
    """Files and lines, innermost last; no text and no variables."""
    frames = traceback.extract_tb(error.__traceback__)[-INNERMOST_FRAMES:]
    return " > ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames)
