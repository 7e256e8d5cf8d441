#!/usr/bin/env python
"""Django's command line for DevinSync."""

import gc
import os
import sys

# Of what a start makes, next to nothing is garbage: to look for it at each 700 objects took a seventh of the start.
OBJECTS_BETWEEN_LOOKS = 20_000


def main() -> None:
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devinsync_site.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit("Django is not installed here. Run `make run`, which installs it.") from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
