"""The sync itself, one module a step. `reconcile.py` is the table of contents."""
