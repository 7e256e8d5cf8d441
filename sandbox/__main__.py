"""`python -m sandbox --port 8001`: serve until Ctrl-C or SIGTERM."""

import argparse
import signal
import ssl
import sys
import threading
from pathlib import Path

from sandbox.directory import MANAGE_ENTERPRISE, MANAGE_ORGANIZATIONS, MANAGE_SECRETS, MANAGE_SERVICE_USERS
from sandbox.organization import Duplicates
from sandbox.server import Sandbox
from sandbox.settings import Settings

# What KEY=* may do.
OF_AN_ENTERPRISE = (MANAGE_SECRETS, MANAGE_ORGANIZATIONS, MANAGE_ENTERPRISE, MANAGE_SERVICE_USERS)


def read_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A local stand-in for the Devin API.")
    parser.add_argument("--port", type=int, required=True, help="0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", type=Path, metavar="FILE", help="keep the secrets' names and digests over a restart")
    parser.add_argument("--tls", type=Path, metavar="FILE", help="speak https with this PEM file's key and certificate")
    parser.add_argument("--latency-ms", type=float, default=0, metavar="N")
    parser.add_argument("--duplicates", type=Duplicates, choices=list(Duplicates), default=Duplicates.REJECT_409)
    parser.add_argument("--rate-per-minute", type=int, metavar="N", help="answer more requests than that with 429")
    parser.add_argument("--organization", action="append", default=[], metavar="ORG[=NAME]", help="may be repeated")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="KEY=ORG",
        help="an API key; KEY=* opens all organizations, their audit log and its own API keys",
    )
    return parser.parse_args(arguments)


def build_sandbox(arguments: argparse.Namespace) -> Sandbox:
    settings = Settings(
        latency=arguments.latency_ms / 1000,
        duplicates=arguments.duplicates,
        rate_per_minute=arguments.rate_per_minute,
    )
    sandbox = Sandbox(
        host=arguments.host,
        port=arguments.port,
        settings=settings,
        data=arguments.data,
        tls=read_certificate(arguments.tls) if arguments.tls else None,
    )
    for pair in arguments.organization:
        org_id, _, name = pair.partition("=")
        sandbox.directory.declare_organization(org_id, name)
    for pair in arguments.key:
        token, _, org_id = pair.partition("=")
        if sandbox.directory.knows_key(token):
            continue  # what became of it is in the data file
        if org_id == "*":
            sandbox.directory.declare_key(token, org_id=None, permissions=OF_AN_ENTERPRISE)
        else:
            sandbox.directory.declare_key(token, org_id=org_id)
    return sandbox


def read_certificate(path: Path) -> ssl.SSLContext:
    """From a PEM file with a private key and its certificate. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(path)
    except OSError as error:
        raise OSError(error.errno, "this is no private key with its certificate", str(path)) from error
    return context


def main() -> None:
    arguments = read_arguments()
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    try:
        sandbox = build_sandbox(arguments)
        sandbox.start()
    except OSError as error:
        place = error.filename or f"{arguments.host}:{arguments.port}"
        sys.exit(f"The sandbox cannot start with {place}: {error.strerror or error}.")
    print(f"sandbox listening on {sandbox.url}", flush=True)
    done.wait()
    sandbox.stop()


if __name__ == "__main__":
    main()
