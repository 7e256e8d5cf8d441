"""`python -m devinsync`."""

from devinsync.cli import main

main()
