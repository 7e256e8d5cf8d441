"""A local stand-in for an Infisical server, for the demo and the tests. Imports nothing of ours.

Its answers are those of a self-hosted server of 2024 that were seen, and, with `Edition.NEW`, what newer ones say by
their public source: version 4 of the secrets, lists of projects, hidden values.
"""
