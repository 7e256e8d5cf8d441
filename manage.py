#!/usr/bin/env python
"""Django's command line for DevinSync."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devinsync_site.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit("Django is not installed here. Run `make run`, which installs it.") from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
