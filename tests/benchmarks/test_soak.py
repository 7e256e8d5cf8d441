"""What a soak makes of its samples, and a soak of seconds instead of hours."""

from pathlib import Path

import pytest

from benchmarks.fleet import Load
from benchmarks.site import Footprint
from benchmarks.soak import Sample, Soak, slope
from tests.benchmarks.running import run
from tests.linux import needs_proc

LOAD = Load(syncs=1, organizations=1, changes_a_second=1, seconds=7200)


def sample(minutes: float, *, memory: int, database: int = 0, program: str = "web") -> Sample:
    return Sample(minutes, {program: Footprint(memory, 3, 5)}, database, 0, 0, 0, [])


def test_growth_is_by_the_hour_and_begins_after_the_warm_up() -> None:
    cold = [sample(minute, memory=10**9 * minute, database=0) for minute in range(30)]
    warm = [sample(minute, memory=500 + 2 * minute, database=60 * minute) for minute in range(30, 120)]

    growth = Soak(LOAD, 2.0, cold + warm).growth()

    assert growth["web"] == pytest.approx(120)
    assert growth["database"] == pytest.approx(3600)
    assert growth["web, threads"] == pytest.approx(0)


def test_a_program_that_came_late_is_measured_while_it_was_there() -> None:
    samples = [sample(0, memory=1), sample(60, memory=10, program="worker"), sample(120, memory=20, program="worker")]

    assert Soak(LOAD, 2.0, [sample(0, memory=1), *samples]).growth()["worker"] == pytest.approx(10)


@pytest.mark.parametrize(
    ("points", "rises"),
    [([], 0), ([(1, 9)], 0), ([(2, 1), (2, 5)], 0), ([(0, 1), (1, 3)], 2), ([(0, 0), (1, 3), (2, 0), (3, 3)], 0.6)],
)
def test_slopes_have_the_least_squares(points: list[tuple[float, float]], rises: float) -> None:
    assert slope(points) == pytest.approx(rises)


@needs_proc
def test_a_soak_prints_each_sample_and_what_grew(django_db_setup: Path | None) -> None:
    small = "--only soak --syncs 3 --workers 1 --latency 1ms --hours 0.001 --changes 4"

    printed = run(small, django_db_setup)

    assert "0 refused" in printed
    assert "each organization equals its sources." in printed
    for name in ("database", "Valkey", "web", "worker-1", "worker-1's own", "scheduler"):
        assert f"  {name}: " in printed
