"""What commands have in common: answers for programs, and a status that tells what was found."""

import json
from typing import Any

from django.core.management.base import BaseCommand

DIFFERENT, FAILED = 2, 1


def add_arguments(parser: Any, *, exit_code: bool = False) -> None:
    parser.add_argument("--json", action="store_true", help="Print JSON, for programs.")
    if exit_code:
        parser.add_argument(
            "--exit-code",
            action="store_true",
            help="End with 0 if nothing is to be done, with 2 if something is, and with 1 for errors.",
        )


def print_json(command: BaseCommand, answer: Any) -> None:
    command.stdout.write(json.dumps(answer, indent=2, default=str))


def end(options: dict[str, Any], *, is_different: bool, has_failed: bool = False) -> None:
    """With `--exit-code`, ends with the status that tells what was found."""
    if options["exit_code"] and (is_different or has_failed):
        raise SystemExit(FAILED if has_failed else DIFFERENT)
