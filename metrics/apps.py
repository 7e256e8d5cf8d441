"""The application of the metrics."""

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    name = "metrics"

    def ready(self) -> None:
        from common import counting
        from metrics.totals import add_to_totals

        counting.save_by(add_to_totals)
