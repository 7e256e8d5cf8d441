"""`python -m notices.outside`: hands over one message and says what came of it, in JSON on stdin and stdout.

A process of its own, so that the doors are those of all that runs in it, so that it ends when its time is over whatever
it waits for, and so that nothing a library logs about addresses and tokens is written anywhere. It has neither settings
nor keys nor a database: what it needs stands in its order, which is in no argument and no variable.
"""

import json
import logging
import socket
import sys
from dataclasses import asdict
from typing import Any

from connections.addresses import AddressRefused
from notices.outside.answers import Answer
from notices.outside.doors import Doors


def carry_out(order: dict[str, Any], doors: Doors) -> dict[str, Any]:
    """Each way is loaded only where it is asked for: most messages need no hundred plugins."""
    match order["what"]:
        case "webhook":
            from notices.outside.web import post

            return asdict(post(order, doors))
        case "mail":
            from notices.outside.mail import send

            return asdict(send(order, doors))
        case "service":
            from notices.outside.services import notify

            return asdict(notify(order, doors))
        case _:
            from notices.outside.services import describe

            return describe(order)


def main() -> None:
    logging.disable()
    order = json.load(sys.stdin)
    doors = Doors(order["listed"])
    # Of one wait; the whole is ended from outside.
    socket.setdefaulttimeout(order["seconds"])
    doors.guard()
    try:
        told = carry_out(order, doors)
    except (AddressRefused, OSError):
        told = asdict(Answer(False, doors.problem or "no connection came about", may_pass=not doors.has_refused))
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
