"""The totals of what all processes have counted, on whatever host."""

from django.db import models


class Total(models.Model):
    """One number that only ever grows. Labels are bounded, so there are some hundreds of rows at most."""

    name = models.CharField(max_length=100)
    # JSON of the labels, in the order in which they were declared.
    labels = models.CharField(max_length=255)
    value = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "labels"], name="one_total_a_series")]

    def __str__(self) -> str:
        return f"{self.name} {self.labels}"
