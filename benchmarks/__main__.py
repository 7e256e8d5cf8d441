"""`make bench`, or `python -m benchmarks --secrets 100` for a quick look. See docs/performance.md."""

import argparse
import sys
from collections.abc import Sequence

from benchmarks.network import reason_against
from benchmarks.site import Site, open_site
from benchmarks.stage import QUICK, open_stage

PARTS = (
    "scenarios",
    "reaction",
    "now",
    "tls",
    "throughput",
    "shares",
    "memory",
    "sources",
    "fleet",
    "sets",
    "pages",
    "bulk",
    "soak",
)
LONG = ("sets", "pages", "bulk", "soak")
# These make hosts of their own, so each runs alone.
ON_HOSTS = ("hosts", "recovery", "outages")


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--secrets", type=int, default=1000, metavar="N", help="of the compared syncs (1000)")
    parser.add_argument("--latency", type=milliseconds, default=0.05, metavar="MS", help="of each request (50ms)")
    parser.add_argument("--concurrency", type=int, default=4, metavar="N", help="requests of a connection at once (4)")
    parser.add_argument("--duplicates", default="reject409", help="how the sandbox takes a taken key (reject409)")
    parser.add_argument("--samples", type=int, default=30, metavar="N", help="of changes, clicks and runs by TLS (30)")
    parser.add_argument("--syncs", type=int, default=100, metavar="N", help="syncs of throughput and soak (100)")
    parser.add_argument(
        "--workers",
        type=counts,
        dest="worker_counts",
        default=(4,),
        metavar="N,N",
        help="worker processes that share the syncs (4); the fleet is measured with each number",
    )
    parser.add_argument("--plan", type=int, default=10_000, metavar="N", help="secrets of the weighed plan (10000)")
    parser.add_argument("--fleet", type=int, default=500, metavar="N", help="syncs of the fleet (500)")
    parser.add_argument("--organizations", type=int, default=50, metavar="N", help="that they share (50)")
    parser.add_argument("--rate", type=float, default=20, metavar="N", help="changes of the fleet a second (20)")
    parser.add_argument("--seconds", type=float, default=60, metavar="N", help="for which they come (60)")
    parser.add_argument("--set", type=int, default=300, metavar="N", help="organizations of the sync set (300)")
    parser.add_argument("--set-secrets", type=int, default=50, metavar="N", help="of its folder (50)")
    parser.add_argument("--burst", type=int, default=1000, metavar="N", help="runs of one project at once (1000)")
    parser.add_argument("--large", type=int, default=5000, metavar="N", help="secrets of a large sync (5000)")
    parser.add_argument("--small", type=int, default=200, metavar="N", help="small syncs beside it (200)")
    parser.add_argument("--limited", type=int, default=200, metavar="N", help="syncs of one Infisical project (200)")
    parser.add_argument("--window", type=float, default=6, metavar="N", help="seconds of Infisical's limit (6)")
    parser.add_argument("--hours", type=float, default=2, metavar="N", help="of the soak (2)")
    parser.add_argument("--changes", type=float, default=2, metavar="N", help="of the soak a second (2)")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="of hosts that are lost and cut off (20)")
    parser.add_argument("--spacing", type=float, default=40, metavar="N", help="seconds after each outage (40)")
    parser.add_argument("--rows", type=int, default=100_000, metavar="N", help="of runs behind the pages (100000)")
    parser.add_argument("--bulk-syncs", type=int, default=300, metavar="N", help="of the bulk set (300)")
    parser.add_argument("--bulk-runs", type=int, default=20_000, metavar="N", help="of the bulk set (20000)")
    parser.add_argument("--bulk-changes", type=int, default=80_000, metavar="N", help="of the bulk set (80000)")
    parser.add_argument(
        "--bulk-secrets", type=int, default=300, metavar="N", help="of its largest folder, which one sync reads (300)"
    )
    parser.add_argument(
        "--bulk-rounds", type=int, default=6, metavar="N", help="past all its pages, the middle counts (6)"
    )
    parser.add_argument("--database", default="", metavar="URL", help="an empty one (default: a new SQLite file)")
    parser.add_argument("--no-baseline", action="store_true", help="leave out the slow half of the comparison")
    parser.add_argument(
        "--only",
        choices=(*PARTS, *ON_HOSTS),
        action="append",
        metavar="PART",
        help=f"one of {', '.join((*PARTS, *ON_HOSTS))}",
    )
    options = parser.parse_args(arguments)
    options.workers = max(options.worker_counts)
    options.on_hosts = next((part for part in options.only or () if part in ON_HOSTS), "")
    if options.on_hosts and len(options.only) > 1:
        parser.error(f"{options.on_hosts} runs alone.")
    return options


def milliseconds(text: str) -> float:
    """Seconds, from `50` or `50ms`."""
    return float(text.removesuffix("ms")) / 1000


def counts(text: str) -> tuple[int, ...]:
    """From `1,2,4`."""
    return tuple(int(part) for part in text.split(","))


def main() -> None:
    options = read_arguments()
    if options.on_hosts:
        run_on_hosts(options)
        return
    with open_site(
        latency=options.latency,
        duplicates=options.duplicates,
        concurrency=options.concurrency,
        database=options.database,
    ) as site:
        run(site, options)


def run_on_hosts(options: argparse.Namespace) -> None:
    if reason := reason_against():
        sys.exit(reason)
    with open_stage(**(QUICK if options.on_hosts == "hosts" else {})) as stage:
        from benchmarks import fleet, hosts, outages, recovery, report

        if options.on_hosts == "recovery":
            report.print_recoveries(recovery.measure(stage))
            return
        if options.on_hosts == "outages":
            load = fleet.Load(options.fleet, options.organizations, options.rate, options.seconds)
            suffered = outages.measure(stage, load, options.spacing)
            report.print_outages(suffered)
            sys.exit(1 if suffered.faults else 0)
        for seen in hosts.measure(stage, options.rounds):
            report.print_rounds(seen)
        if seen.faults:
            sys.exit(1)


def run(site: Site, options: argparse.Namespace) -> None:
    parts = options.only or [part for part in PARTS if part not in LONG]
    run_with_one_sync(site, options, parts)
    run_with_many(site, options, parts)
    if "memory" in parts:
        # The peak is that of the process, so this comes last.
        from benchmarks import memory, report

        report.print_memory(memory.measure(site, options.plan))


def run_with_one_sync(site: Site, options: argparse.Namespace, parts: Sequence[str]) -> None:
    # They import models, which is possible only now.
    from benchmarks import reaction, report, scenarios, sync_now, tls

    if "scenarios" in parts:
        comparisons = scenarios.compare(site, options.secrets, with_baseline=not options.no_baseline)
        report.print_comparisons(comparisons, options)
    if "reaction" in parts:
        report.print_reaction(reaction.measure(site, options.samples))
    if "now" in parts:
        report.print_sync_now(sync_now.measure(site, options.samples))
    if "tls" in parts:
        report.print_tls(tls.measure(site, options.samples))


def run_with_many(site: Site, options: argparse.Namespace, parts: Sequence[str]) -> None:
    from django.db import connection

    from benchmarks import fleet, report, shares, soak, sources, throughput

    if "throughput" in parts:
        report.print_throughput(throughput.measure(site, syncs=options.syncs, workers=options.workers))
    if "shares" in parts:
        report.print_burst(shares.measure_burst(site, runs=options.burst, workers=options.workers))
        sizes = {"secrets": options.large, "small": options.small}
        report.print_large(shares.measure_large(site, **sizes, workers=options.workers))
    if "sources" in parts:
        crowd = sources.Crowd(options.limited, options.workers, options.window)
        report.print_sources(sources.measure(site, options.secrets, options.samples, crowd))
    if "fleet" in parts:
        load = fleet.Load(options.fleet, options.organizations, options.rate, options.seconds)
        report.print_fleet(fleet.measure(site, load, workers=options.worker_counts), database=connection.vendor)
    if "sets" in parts:
        measure_sets(site, options)
    walk_pages(site, options, parts)
    if "soak" in parts:
        organizations = max(1, options.syncs // soak.SYNCS_AN_ORGANIZATION)
        load = fleet.Load(options.syncs, organizations, options.changes, options.hours * 3600)
        report.print_soak(soak.measure(site, load, workers=options.workers, note=report.print_sample))


def measure_sets(site: Site, options: argparse.Namespace) -> None:
    from benchmarks import report, sets

    measured = sets.measure(site, organizations=options.set, secrets=options.set_secrets, workers=options.workers)
    report.print_sets(measured)
    if measured.faults:
        sys.exit(1)


def walk_pages(site: Site, options: argparse.Namespace, parts: Sequence[str]) -> None:
    from benchmarks import bulk, estate, pages, report

    if "pages" in parts:
        report.print_pages(pages.measure(site, estate.Size.of_runs(options.rows, secrets=options.plan)))
    if "bulk" not in parts:
        return
    size = bulk.size_of(
        syncs=options.bulk_syncs, runs=options.bulk_runs, changes=options.bulk_changes, secrets=options.bulk_secrets
    )
    verdict = bulk.judge(site, size, options.bulk_rounds)
    report.print_verdict(verdict)
    if not verdict.holds:
        sys.exit(1)


if __name__ == "__main__":
    main()
