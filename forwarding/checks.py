"""What is wrong with `AUDIT_STREAM`, told before anything starts."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register

from forwarding.targets import BadTarget, parse


@register
def streams_are_addresses(app_configs: Any, **_: Any) -> list[Error]:
    found = []
    for number, address in enumerate(settings.AUDIT_STREAM, start=1):
        try:
            parse(address)
        except BadTarget as error:
            what = f"Address {number} of AUDIT_STREAM cannot be used: {str(error).rstrip('.')}."
            found.append(Error(what, id="forwarding.E001"))
    return found
