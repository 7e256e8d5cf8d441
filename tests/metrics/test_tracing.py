"""Spans of a run: what stands in them, and that a value, a key or an address never does."""

from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.conf import LazySettings
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from common import tracing
from sandbox.server import Sandbox
from tests.syncs.conftest import Bench

CANARY = "canary-4f1d"
KEY = "DB_CANARY_KEY"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter
    tracing.use(None)


def named(spans: InMemorySpanExporter, name: str) -> Sequence[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


@pytest.mark.django_db(transaction=True)
def test_a_run_has_its_read_and_its_requests_below_it(bench: Bench, spans: InMemorySpanExporter) -> None:
    bench.source(A="1", B="2")
    ended = bench.run()

    (run,) = named(spans, "run")
    assert run.attributes is not None
    assert run.attributes["devinsync.run"] == str(ended.pk)
    assert (run.attributes["devinsync.status"], run.attributes["devinsync.attempt"]) == ("succeeded", 1)
    below = [*named(spans, "read source"), *named(spans, "request")]
    # A list, two secrets that are created, and perhaps a list after them.
    assert len(below) >= 4
    assert {span.parent.span_id for span in below if span.parent} == {run.context.span_id if run.context else 0}
    assert all(span.parent for span in below)


@pytest.mark.django_db(transaction=True)
def test_no_span_holds_a_value_a_key_or_an_organization(
    bench: Bench, sandbox: Sandbox, spans: InMemorySpanExporter
) -> None:
    bench.source(**{KEY: CANARY})
    bench.run()
    sandbox.faults.add("status", status=422, method="POST", body=f'{{"detail": "{CANARY}"}}')
    bench.source(**{KEY: CANARY + "2"})
    bench.run()
    bench.source(**{KEY: "${LACKING_" + CANARY + "}"})
    bench.run()

    told = "".join(span.to_json() for span in spans.get_finished_spans())

    assert len(named(spans, "run")) == 3
    assert [text for text in (CANARY, KEY, "LACKING", bench.sync.org_id, sandbox.url) if text in told] == []


@pytest.mark.django_db(transaction=True)
def test_of_an_error_its_type_is_told(bench: Bench, spans: InMemorySpanExporter) -> None:
    bench.source(A="${LACKING}")
    bench.run()

    (read,), (run,) = named(spans, "read source"), named(spans, "run")

    assert (read.attributes or {})["error.type"] == "Untrustworthy"
    assert (run.attributes or {})["devinsync.stopped_by"] == "SourceProblem"
    assert not read.events


class Collector(BaseHTTPRequestHandler):
    received: list[tuple[str, bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_spans_go_where_the_setting_says(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    Collector.received.clear()
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        settings.OTEL_EXPORTER_OTLP_ENDPOINT = endpoint
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)

        tracing.start("worker")
        with tracing.span("run"):
            pass
        tracing.stop()
        tracing.use(None)
        server.shutdown()

    ((path, body),) = Collector.received
    assert path == "/v1/traces"
    assert b"devinsync-worker" in body


def test_without_a_setting_there_is_nothing(settings: LazySettings) -> None:
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = ""

    tracing.start("worker")

    assert tracing._provider is None
    with tracing.span("run"):
        tracing.note(status="succeeded")
