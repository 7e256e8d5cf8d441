"""Errors of ours to Sentry, where sentry-sdk is installed and `SENTRY_DSN` says where they go.

An event is built anew from what is known to be harmless: the kind of error, where it arose, the log's line. Local
variables, source lines, texts of errors, requests with their headers and bodies, and whoever was logged in stay here.
"""

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from common.version import VERSION

log = logging.getLogger(__name__)

KEPT = ("event_id", "timestamp", "level", "platform", "release", "server_name", "logger")
OF_A_FRAME = ("filename", "function", "module", "lineno", "in_app")


def start(role: str) -> None:
    if not settings.SENTRY_DSN:
        return
    try:
        import sentry_sdk
    except ImportError:
        log.error("SENTRY_DSN is set, but sentry-sdk is not here: see requirements-optional.txt")
        return
    # "" is none, also not that of the environment.
    proxy = settings.OUTBOUND_PROXY
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=f"devinsync@{VERSION}",
        before_send=bare,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        send_default_pii=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        http_proxy=proxy,
        https_proxy=proxy,
    )
    sentry_sdk.set_tag("role", role)


def stop() -> None:
    """Sends what has not been sent yet."""
    if settings.SENTRY_DSN:
        try:
            import sentry_sdk
        except ImportError:
            return
        sentry_sdk.flush()


def bare(event: Any, hint: Any) -> Any:
    """Of an event, a mapping, what may leave."""
    told = {name: event[name] for name in KEPT if name in event}
    told["tags"] = {"role": event.get("tags", {}).get("role", "")}
    if thrown := event.get("exception", {}).get("values"):
        told["exception"] = {"values": [_bare_error(error) for error in thrown]}
    if entry := event.get("logentry"):
        told["logentry"] = _bare_entry(entry, event.get("logger", ""))
    return told


def _bare_error(error: Mapping[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames", ())
    return {
        "type": error.get("type"),
        "module": error.get("module"),
        "stacktrace": {"frames": [{name: frame.get(name) for name in OF_A_FRAME} for frame in frames]},
    }


def _bare_entry(entry: Mapping[str, Any], logger: str) -> dict[str, Any]:
    """Our own lines hold no value; Django's name paths, in which keys stand."""
    told = {"message": entry.get("message", "")}
    if not logger.startswith("django"):
        told["params"] = entry.get("params", [])
    return told
