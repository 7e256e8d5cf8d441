"""What every app's errors have in common: `DevinError`, `InfisicalError` and their like descend from this one."""


class ConnectionFailed(Exception):
    """A service did not do what was asked. `message` says what to do; `retryable` whether it may work later, as it is.

    It never holds a value, a credential or anything of an answer's body.
    """

    retryable = False

    def __init__(self, message: str, *, retryable: bool | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        if retryable is not None:
            self.retryable = retryable
