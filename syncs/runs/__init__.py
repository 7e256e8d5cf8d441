"""The life of a run: asked for, queued, claimed by a worker, ended.

pending → running → succeeded | failed | blocked | cancelled, and from running back to pending to try again later.
"""
