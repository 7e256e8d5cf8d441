"""Messages that sources send about changes: who may send them, and what follows."""
