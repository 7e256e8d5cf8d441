"""Who did what, when, from where: an append-only log whose every line vouches for those before it.

Whatever stands in Django's own log of changes comes here by itself, and so do log-ins, refusals and each request that
changes something. People are kept by name, not by reference: a line outlives its author. Never a value.
"""
