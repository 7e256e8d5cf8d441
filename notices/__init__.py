"""Who is told: what happened, by which channel, and what became of the message."""
