"""Databases as each released version left them, and proof that this code goes on with them.

A folder of each version holds `sqlite.sql.gz` and `postgresql.sql.gz`, its schema and data; `devin.json`, what the
organizations of Devin (the sandbox) held; `facts.json`, what was true of it; `backup.gz`, made by its
command; and `commit.txt`, which code that was.
`make keep-release` makes one, see docs/releasing.md. `0.0.1-first-day` was no release: it is what `make demo` of the
first day left, before most of the migrations, each database by itself.
"""
