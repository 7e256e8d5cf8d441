"""Spans for OpenTelemetry, where its packages are installed and `OTEL_EXPORTER_OTLP_ENDPOINT` says where they go.

A span tells what was done, for which run, how long it took and how it ended: an attribute holds ids, kinds and counts,
never a value, a key, an address's path or the text of an error. Without a provider everything here does nothing.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
from django.conf import settings

from common.version import VERSION

log = logging.getLogger(__name__)

NAME = "devinsync"
Attribute = str | int
# The TracerProvider of this process, which is not made OpenTelemetry's own: nobody else's spans go where ours do.
_provider: Any = None


def start(role: str) -> None:
    """After the last fork: spans are sent by a thread."""
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.error("OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not here: see requirements-optional.txt")
        return
    resource = Resource.create({"service.name": f"{NAME}-{role}", "service.version": VERSION})
    provider = TracerProvider(resource=resource)
    session = requests.Session()
    # Neither a proxy nor a password file of the environment; a collector stands near.
    session.trust_env = False
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(session=session)))
    use(provider)


def use(provider: Any) -> None:
    """A TracerProvider, or None for no spans."""
    global _provider  # noqa: PLW0603 - one a process
    _provider = provider


def stop() -> None:
    """Sends what has not been sent yet."""
    if _provider is not None:
        _provider.shutdown()


@contextmanager
def span(name: str, **attributes: Attribute) -> Iterator[None]:
    """Within it, `note` adds to it; other spans are below it. Of an error it tells the type."""
    if _provider is None:
        yield
        return
    from opentelemetry.trace import Status, StatusCode

    tracer = _provider.get_tracer(NAME)
    own = {f"{NAME}.{key}": value for key, value in attributes.items()}
    with tracer.start_as_current_span(
        name, attributes=own, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            current.set_status(Status(StatusCode.ERROR))
            raise


def note(**attributes: Attribute) -> None:
    """Of the span that is under way in this thread."""
    if _provider is None:
        return
    from opentelemetry.trace import get_current_span

    current = get_current_span()
    for key, value in attributes.items():
        current.set_attribute(f"{NAME}.{key}", value)


def here() -> Callable[[], object]:
    """To be called first in a thread that works for the span that is under way in this one, and for nothing else."""
    if _provider is None:
        return bool
    from opentelemetry import context

    current = context.get_current()
    return lambda: context.attach(current)
