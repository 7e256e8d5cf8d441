"""What TLS costs a run, with connections to Devin that are kept from one run to the next and with none kept.

The sandbox speaks TLS in a process of its own, under a certificate that is trusted for the measurement. On this machine
a message takes no time to arrive; over a network each handshake takes two more ways there and back.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.conf import settings

from benchmarks.site import Site, start_sandbox
from benchmarks.subject import Subject
from connections.kept import shelf
from sandbox.certificates import self_signed_certificate

SECRETS = 20


@dataclass(frozen=True)
class Cost:
    """A run with one changed secret of twenty: seconds and, for all of this process, processor seconds; medians."""

    title: str
    handshakes: float
    seconds: float
    processor: float


def measure(site: Site, runs: int) -> Iterator[Cost]:
    certificate = self_signed_certificate(site.folder)
    secure = start_sandbox(site.supervisor, site.folder, site.latency, certificate=certificate)
    before, settings.OUTBOUND_CA_BUNDLE = settings.OUTBOUND_CA_BUNDLE, str(certificate)
    try:
        for scheme, at in (("without TLS", site), ("TLS", replace(site, sandbox=secure))):
            subject = Subject.create(at, f"tls-{at.sandbox.url.partition(':')[0]}")
            subject.change_source({f"SECRET_{number}": "value" for number in range(SECRETS)})
            subject.run()
            for how, keeps in (("connections kept", True), ("none kept", False)):
                yield cost(at, subject, f"{scheme}, {how}", runs, keeps=keeps)
    finally:
        settings.OUTBOUND_CA_BUNDLE = before
        shelf.close_all()


def cost(site: Site, subject: Subject, title: str, runs: int, *, keeps: bool) -> Cost:
    known = connections_of(site, subject)
    site.sandbox.forget_traffic()
    seconds, processor = [], []
    for number in range(runs):
        subject.change_source({"SECRET_0": f"{title} {number}"})
        if not keeps:
            shelf.close_all()
        used = time.process_time()
        seconds.append(subject.run())
        processor.append(time.process_time() - used)
    opened = connections_of(site, subject) - known
    return Cost(title, len(opened) / runs, statistics.median(seconds), statistics.median(processor))


def connections_of(site: Site, subject: Subject) -> set[int]:
    """The numbers of those over which requests have come."""
    return {entry["connection"] for entry in site.sandbox.requests(subject.sync.org_id)}
