"""The figures as lines of text, each printed as soon as it is known, with the goal that it is measured by."""

import argparse
import os
import statistics
from collections.abc import Iterable, Sequence

from benchmarks.bulk import MOST_MEDIANS, MOST_QUERIES, Verdict
from benchmarks.fleet import Fleet
from benchmarks.hosts import Rounds
from benchmarks.memory import MIB, Memory
from benchmarks.outages import Outages
from benchmarks.pages import Measured
from benchmarks.recovery import Recovery
from benchmarks.scenarios import Comparison
from benchmarks.sets import Sets
from benchmarks.shares import Burst, Large
from benchmarks.soak import Sample, Soak
from benchmarks.sources import LIMIT, POLL_SECONDS, Sources
from benchmarks.sync_now import CHANGED
from benchmarks.sync_now import SECRETS as NOW_SECRETS
from benchmarks.throughput import SECRETS, Throughput
from benchmarks.tls import Cost

TITLES = ("", "requests", "baseline", "seconds", "baseline", "faster by", "limit", "of limit")
SLOWEST = 5
LONGEST_PAGE, LARGEST_PAGE = 0.2, 100 * 1024
WIDTHS = (20, 10, 10, 10, 10, 11, 9, 10)


def say(line: str = "") -> None:
    print(line, flush=True)


def print_row(cells: Sequence[str]) -> None:
    first, *rest = (
        cell.ljust(width) if number == 0 else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    )
    say(first + "".join(rest))


def print_comparisons(comparisons: Iterable[Comparison], options: argparse.Namespace) -> None:
    say(
        f"{options.secrets:,} secrets, {options.latency * 1000:g} ms a request, "
        f"{options.concurrency} requests at once, a taken key: {options.duplicates}"
    )
    print_row(TITLES)
    for comparison in comparisons:
        print_row(cells_of(comparison, options.latency, options.concurrency))
        if comparison.engine.absences:
            say(absence_line(comparison, options.latency))
    say("Goals: within 1.3 of the limit; nothing changed at least 300 times faster.")
    say()


def absence_line(comparison: Comparison, latency: float) -> str:
    missing = statistics.median(comparison.engine.absences)
    baseline = comparison.baseline.absences if comparison.baseline else ()
    beside = f", the baseline's {statistics.median(baseline) * 1000:.0f} ms" if baseline else ""
    return (
        f"  Each replaced key was missing for {missing * 1000:.0f} ms (median of {len(comparison.engine.absences)}), "
        f"{missing / latency:.2f} requests{beside}. Goal: 1.3."
    )


def cells_of(comparison: Comparison, latency: float, concurrency: int) -> list[str]:
    engine, baseline = comparison.engine, comparison.baseline
    limit = engine.limit(latency, concurrency)
    return [
        comparison.title,
        f"{engine.requests:,}",
        f"{baseline.requests:,}" if baseline else "-",
        f"{engine.seconds:.2f}",
        f"{baseline.seconds:.2f}" if baseline else "-",
        f"{baseline.seconds / engine.seconds:.1f} x" if baseline else "-",
        f"{limit:.2f}",
        f"{engine.seconds / limit:.2f}",
    ]


def print_reaction(samples: list[float]) -> None:
    say(
        f"From a committed change to the first request: {percentiles(samples, 'ms')} of {len(samples)} changes. "
        "Goal: p50 under 300 ms."
    )


def print_sync_now(samples: list[float]) -> None:
    say(
        f"From “Sync now” to the answer that it is done: {percentiles(samples, 'ms')}, "
        f"longest {max(samples) * 1000:.0f} ms of {len(samples)} clicks, {CHANGED} of {NOW_SECRETS} secrets changed "
        "each time. Goal: 500 ms."
    )


def print_tls(costs: Iterable[Cost]) -> None:
    say("A run with 1 changed secret of 20:")
    for cost in costs:
        say(
            f"  {cost.title + ':':<32}{cost.handshakes:>5.2f} new connections, {cost.seconds * 1000:>6.0f} ms, "
            f"{cost.processor * 1000:>6.1f} ms of processor time (medians)"
        )


def print_burst(measured: Burst) -> None:
    say(
        f"A burst of {measured.runs:,} runs of one project, {measured.workers} workers: a change of another project, "
        f"made while {measured.waiting:,} of them waited, began after {measured.before} of them and "
        f"{measured.seconds:.2f} s; all had ended after {measured.drained:.1f} s."
    )


def print_large(measured: Large) -> None:
    say(
        f"Beside a sync of {measured.secrets:,} secrets, which took {measured.seconds:.1f} s: "
        f"{measured.ended_before} of {measured.small} small ones of its project ended before it, the last of all after "
        f"{measured.small_seconds:.1f} s."
    )


def print_throughput(measured: Throughput) -> None:
    say(
        f"Syncs a minute: {measured.per_minute:,.0f} by {measured.workers} workers, {SECRETS} unchanged secrets each "
        f"({measured.syncs} syncs in {measured.seconds:.2f} s)."
    )


def print_sets(measured: Sets) -> None:
    say(
        f"A set of {measured.organizations} organizations, {measured.secrets} secrets each, {measured.workers} workers:"
    )
    for title, phase in (
        ("made and synced for the first time", measured.made),
        ("synced with nothing changed", measured.unchanged),
        ("one secret changed", measured.changed),
        (f"one secret changed, in {measured.waves} waves", measured.in_waves),
    ):
        told = ", ".join(f"{count:,} {method}" for method, count in sorted(phase.requests.items()))
        say(f"  {title:<38}{phase.seconds:>8.1f} s   {told}; {phase.at_once} at once, {phase.at_once_to_one} to one")
    say(f"The page of the set takes {measured.statements} statements.")
    say("All counts hold." if not measured.faults else f"Does not hold: {'; '.join(measured.faults)}.")


def print_fleet(several: Iterable[Fleet], *, database: str) -> None:
    """A table as each number of workers is done: what was measured before runs were threads, now, and the goal."""
    for measured in several:
        load, cores = measured.load, os.cpu_count() or 1
        say(
            f"Fleet on {database}, {measured.workers} workers: {load.syncs} syncs of 20 secrets over "
            f"{load.organizations} organizations, {load.changes_a_second:g} changes a second for {load.seconds:.0f} s; "
            f"the first sync of all took {measured.first_sync:.0f} s. Load average {measured.machine_load:.1f} on "
            f"{cores} cores."
        )
        before = BEFORE[database]
        for title, figure in figures_of(measured).items():
            say(f"  {title:<42}{before.get(title, '-'):>16}{figure:>16}{GOALS.get(title, '-'):>12}")
        say()


# Measured with a process for each run, 2 workers, on 2 cores; what depends on the load, with the default one.
BEFORE = {
    "sqlite": {
        "": "before",
        "changes accepted a second": "17.2",
        "from a change's answer to Devin, p50": "73 s",
        "p95": "106 s",
        "longest": "135 s",
        "drained after the last change": "98 s",
        "processor time of a run": "240 ms",
        "cores that the workers use": "0.65",
        "the API's answer, p50": "519 ms",
        "the API's answer, p95": "1861 ms",
    },
    "postgresql": {"": "before", "changes accepted a second": "4.8", "the API's answer, p50": "2200 ms"},
}
GOALS = {
    "": "goal",
    "changes accepted a second": "20",
    "from a change's answer to Devin, p50": "2 s",
    "p95": "5 s",
    "drained after the last change": "5 s",
    "refused changes": "0",
    "runs for each change": "1.2",
    "processor time of a run": "30 ms",
    "the API's answer, p95": "100 ms",
}


def figures_of(measured: Fleet) -> dict[str, str]:
    return {
        "": "now",
        "changes accepted a second": f"{measured.accepted_a_second:.1f}",
        "refused changes": f"{measured.refused}",
        "from a change's answer to Devin, p50": f"{percentile(measured.lags, 0.5):.2f} s",
        "p95": f"{percentile(measured.lags, 0.95):.2f} s",
        "longest": f"{max(measured.lags, default=0):.1f} s",
        "drained after the last change": f"{measured.drained:.1f} s",
        "runs for each change": f"{measured.runs / max(len(measured.lags), 1):.2f}",
        "processor time of a run": f"{measured.cpu_a_run * 1000:.0f} ms",
        "cores that the workers use": f"{measured.worker_cores:.2f}",
        "cores that the web process uses": f"{measured.web_cores:.2f}",
        "the API's answer, p50": f"{percentile(measured.requests, 0.5) * 1000:.0f} ms",
        "the API's answer, p95": f"{percentile(measured.requests, 0.95) * 1000:.0f} ms",
    }


def print_sources(measured: Sources) -> None:
    say(
        f"From a change in Infisical to the first request: {percentiles(measured.told, 'ms')} of {len(measured.told)} "
        "by its message. Goal: p50 under 1,000 ms."
    )
    say(
        f"  By looking every {POLL_SECONDS} s: {percentiles(measured.found, 's')}, longest {max(measured.found):.2f} s "
        f"of {len(measured.found)}. Goal: one interval, a tenth more, and the run's start."
    )
    read = measured.reading
    say(
        f"  {read.secrets:,} secrets read and planned in {read.ours:.2f} s; asked directly, Infisical takes "
        f"{read.source:.2f} s and Devin's list {read.list:.2f} s: {read.ratio:.2f} of that. Goal: 1.5."
    )
    for crowd in measured.limited:
        say(
            f"  {crowd.syncs} syncs of {crowd.folders} folders at {LIMIT} reads in {crowd.window:g} s: {crowd.reads} "
            f"reads in {crowd.seconds:.1f} s, at least {crowd.shortest:.0f} s by the limit; {crowd.too_early} inside a "
            "Retry-After. Goal: 0."
        )


def print_sample(sample: Sample) -> None:
    programs = ", ".join(
        f"{name} {footprint.memory / MIB:.1f} MiB {footprint.threads} threads {footprint.files} files"
        for name, footprint in sample.footprints.items()
    )
    say(
        f"  minute {sample.minutes:.0f}: {len(sample.lags)} changes, {sample.refused} refused, {sample.runs} runs; "
        f"to Devin: {percentiles(sample.lags, 's')}; database {sample.database / MIB:.2f} MiB, "
        f"Valkey {sample.queue / MIB:.2f} MiB; {programs}"
    )


def print_soak(measured: Soak) -> None:
    load, lags = measured.load, [lag for sample in measured.samples for lag in sample.lags]
    say(
        f"Soak of {measured.hours:.2f} hours: {load.syncs} syncs of 20 secrets over {load.organizations} "
        f"organizations, {load.changes_a_second:g} changes a second, {len(lags):,} in all, "
        f"{sum(sample.refused for sample in measured.samples)} refused, "
        f"{sum(sample.runs for sample in measured.samples):,} runs; each organization equals its sources."
    )
    say(f"  From a change's answer to Devin: {percentiles(lags, 's')}, longest {max(lags, default=0):.1f} s.")
    for name, growth in measured.growth().items():
        is_count = name.endswith((", threads", ", files"))
        amount = f"{growth + 0:+.2f}" if is_count else f"{growth / MIB:+.2f} MiB"
        say(f"  {name}: {amount} an hour")


def print_rounds(seen: Rounds) -> None:
    say(
        f"Hosts, {seen.played} rounds: cut off in the middle of a run {seen.cut_in_mid_run} times, lost in it "
        f"{seen.lost_in_mid_run} times; {seen.runs} runs, {seen.taken_over} taken up again, {seen.writes} writes; "
        f"{len(seen.faults)} faults."
    )
    for fault in seen.faults:
        say(f"  {fault}")


def print_recoveries(several: Iterable[Recovery]) -> None:
    say(f"{'From what happened until all is equal':<42}{'before':>16}{'now':>10}{'goal':>12}   load average")
    for one in several:
        load = os.getloadavg()[0]
        say(f"{one.title:<42}{one.before:>16}{one.seconds:>8.1f} s{one.goal:>12}   {load:<6.1f}{one.seen}".rstrip())


def print_outages(seen: Outages) -> None:
    load = seen.load
    say(
        f"Outages: {load.syncs:,} syncs over {load.organizations} organizations, {load.changes_a_second:g} changes a "
        f"second, three hosts; first sync of all {seen.first_sync:.0f} s. {seen.accepted:,} changes accepted, "
        f"{seen.runs:,} runs, {seen.taken_over} taken up again and {seen.handed_on} handed on to a later one, "
        f"{seen.writes:,} writes; "
        f"{seen.cut_in_mid_run} hosts lost or cut off in the middle of a run; {len(seen.faults)} faults."
    )
    say(f"{'':<52}{'changes':>8}{'p50':>9}{'p95':>9}{'longest':>9}{'all up to date':>16}   tried again, load average")
    for one in seen.seen:
        p50, p95, longest = (f"{percentile(one.lags, share):.2f} s" for share in (0.5, 0.95, 1.0))
        recovered = f"after {one.recovered:.1f} s" if one.recovered else "at once"
        refused = ", ".join(f"{count}× {status or 'no answer'}" for status, count in sorted(one.refused.items())) or "0"
        say(
            f"{one.title:<52}{len(one.lags):>8,}{p50:>9}{p95:>9}{longest:>9}{recovered:>16}   "
            f"{refused}, {one.machine_load:.1f}"
        )
    for fault in seen.faults:
        say(f"  {fault}")


def percentiles(samples: Sequence[float], unit: str) -> str:
    factor, digits = (1000, 0) if unit == "ms" else (1, 2)
    p50, p95 = (percentile(samples, share) * factor for share in (0.5, 0.95))
    return f"p50 {p50:.{digits}f} {unit}, p95 {p95:.{digits}f} {unit}"


def percentile(samples: Sequence[float], share: float) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, round(share * len(ordered)))] if ordered else 0.0


def print_memory(measured: Memory) -> None:
    say(
        f"Memory of a plan of {measured.secrets:,} secrets: {measured.peak / MIB:.0f} MiB at the peak, "
        f"{(measured.peak - measured.imported) / MIB:.0f} MiB of them for the plan. Goal: under 150 MiB in all."
    )


def print_verdict(verdict: Verdict) -> None:
    print_pages(verdict.pages)
    usual = statistics.median(page.processor for page in verdict.pages)
    say(f"{len(verdict.pages)} pages, of which the median takes {usual * 1000:.0f} ms of the processor.")
    say(f"The slowest, in medians: {_in_medians(verdict, verdict.slowest[:SLOWEST])}.")
    say(f"Of more than {MOST_QUERIES} statements: {_counted(verdict.with_many_queries)}.")
    say(f"Of more than {MOST_MEDIANS} medians: {_in_medians(verdict, verdict.slow)}.")
    say("Both goals hold." if verdict.holds else "Not both goals hold.")


def _in_medians(verdict: Verdict, pages: list[Measured]) -> str:
    return ", ".join(f"{page.name} ({verdict.medians(page):.1f})" for page in pages) or "none"


def _counted(pages: list[Measured]) -> str:
    return ", ".join(f"{page.name} ({page.queries})" for page in pages) or "none"


def print_pages(measured: Iterable[Measured]) -> None:
    say("Pages and answers of the API: statements, time, of it the processor's, size. Goal: 200 ms and 100 KiB each.")
    for page in measured:
        is_met = page.seconds <= LONGEST_PAGE and page.size <= LARGEST_PAGE
        say(
            f"{' ' if is_met else '!'} {page.status} {page.queries:>4} {page.seconds * 1000:>7.0f} ms "
            f"{page.processor * 1000:>6.0f} ms {page.size / 1024:>8.1f} KiB  {page.name}"
        )
