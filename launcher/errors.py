"""What stops a start."""


class LaunchError(Exception):
    """A start that can't go on; the message is one line that says what is wrong and what to do."""
