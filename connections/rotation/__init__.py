"""Another API key in place of the one that a connection to Devin uses, made, proved and put in its place by itself."""
