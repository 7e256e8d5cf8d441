"""`python -m sandbox.infisical --port 8002`: serve sample data until Ctrl-C or SIGTERM."""

import argparse
import signal
import sys
import threading

from sandbox.infisical.sample import CLIENT_ID, CLIENT_SECRET, fill
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.webhooks import Webhook
from sandbox.infisical.world import Edition, World


def read_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.infisical", description="A local stand-in for Infisical.")
    parser.add_argument("--port", type=int, required=True, help="0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--edition", type=Edition, choices=list(Edition), default=Edition.NEW)
    parser.add_argument("--secret-reads-per-minute", type=int, metavar="N", help="answer more than that with 429")
    parser.add_argument("--webhook", nargs=2, action="append", default=[], metavar=("URL", "SECRET"))
    return parser.parse_args(arguments)


def build(arguments: argparse.Namespace) -> InfisicalSandbox:
    limit = arguments.secret_reads_per_minute
    world = World(edition=arguments.edition, limits={"secrets": limit} if limit else {})
    fill(world)
    sandbox = InfisicalSandbox(host=arguments.host, port=arguments.port, world=world)
    sandbox.webhooks += [Webhook(url, secret) for url, secret in arguments.webhook]
    return sandbox


def main() -> None:
    arguments = read_arguments()
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    sandbox = build(arguments)
    try:
        sandbox.start()
    except OSError as error:
        sys.exit(f"The stand-in cannot start at {arguments.host}:{arguments.port}: {error.strerror or error}.")
    print(f"infisical stand-in listening on {sandbox.url}; log in as {CLIENT_ID} with {CLIENT_SECRET}", flush=True)
    done.wait()
    sandbox.stop()


if __name__ == "__main__":
    main()
