"""The way of a message out of this installation: by a program of its own whose every connection is judged first."""
