"""A scrape's text: the totals of all processes, and what stands at this moment."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from common.counting import ENDLESS, OTHER, Counter, Histogram, Series, combinations, declared
from metrics.gauges import Gauge
from metrics.moment import Values, read_moment
from metrics.totals import read_totals


class Scrape(Collector):
    def collect(self) -> Iterator[Metric]:
        totals = read_totals()
        for each in declared():
            yield _counter(each, totals) if isinstance(each, Counter) else _histogram(each, totals)
        for gauge, values in read_moment():
            yield _gauge(gauge, values)


def expose() -> bytes:
    registry = CollectorRegistry()
    registry.register(Scrape())
    return generate_latest(registry)


def _counter(counter: Counter, totals: Mapping[Series, float]) -> Metric:
    family = CounterMetricFamily(counter.name, counter.what, labels=list(counter.labels))
    for labels in _told(counter, totals):
        family.add_metric([value for _, value in labels], totals.get((counter.name, labels), 0))
    return family


def _histogram(histogram: Histogram, totals: Mapping[Series, float]) -> Metric:
    family = HistogramMetricFamily(histogram.name, histogram.what, labels=list(histogram.labels))
    for labels in _told(histogram, totals):
        buckets, count = [], 0.0
        for edge in (*(f"{float(each)}" for each in histogram.buckets), ENDLESS):
            count += totals.get((histogram.name, (*labels, ("le", edge))), 0)
            buckets.append((edge, count))
        total = totals.get((f"{histogram.name}_sum", labels), 0)
        family.add_metric([value for _, value in labels], buckets, total)
    return family


def _told(counted: Counter | Histogram, totals: Mapping[Series, float]) -> Iterator[tuple[tuple[str, str], ...]]:
    """From the first scrape on, at nought, so that a first event is seen as a rise; `other` once there is any."""
    yield from combinations(counted.labels)
    found = {tuple(pair for pair in labels if pair[0] != "le") for name, labels in totals if name == counted.name}
    yield from sorted(labels for labels in found if OTHER in dict(labels).values())


def _gauge(gauge: Gauge, values: Values) -> Metric:
    family = GaugeMetricFamily(gauge.name, gauge.what, labels=list(gauge.labels))
    for labels, value in values.items():
        family.add_metric(list(labels), float(value))
    return family
