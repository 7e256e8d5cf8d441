"""What those who log people in tell those who write it down, neither knowing the other."""

from django.dispatch import Signal

# On a request and in a session: that it began by what a reverse proxy said.
BY_HEADER = "by_header"
# Somebody whom the proxy named was not let in. Sends `name`, "" if nobody here has it, and `why`.
log_in_refused = Signal()
