"""What a step of a rotation says when it does not simply go on."""

from datetime import datetime


class Verdict(Exception):
    """`message` is a sentence, or of `GoBack` one without its full stop."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Wait(Verdict):
    """Nothing is wrong, or it may pass: go on at this time."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class GiveUp(Verdict):
    """It ends here: nothing was made that could be used."""


class GoBack(Verdict):
    """The new key does not do, so the connection goes on with the old one."""
