"""What each process does to be seen from outside: it counts, sends spans and reports errors."""

from common import counting, reporting, tracing


def start(role: str) -> None:
    """`role`: web, worker or scheduler. Call it after the last fork."""
    reporting.start(role)
    tracing.start(role)
    counting.start_saving()


def stop() -> None:
    """Before the process ends: hands over what is still here."""
    counting.save_now()
    tracing.stop()
    reporting.stop()
