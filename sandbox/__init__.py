"""A local stand-in for the secrets routes of the Devin API, for the demo and the tests. Imports nothing of ours."""
