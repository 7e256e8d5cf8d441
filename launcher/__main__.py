"""`python -m launcher run` and `python -m launcher demo [--once]`; the Makefile's way in."""

import argparse
import os
import signal
import sys
import time
from types import FrameType

from launcher.config import read_config
from launcher.demo import API_KEY, FLEET_KEY, ORGANIZATION, SOURCES, run_demo, start_sandbox, start_source, what_to_try
from launcher.errors import LaunchError
from launcher.prepare import Login
from launcher.processes import die_with_parent
from launcher.run import Site, start_site
from launcher.supervise import Supervisor, say_on_stderr

LOOK_EVERY = 0.2


class ToldToStop(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


def main() -> int:
    arguments = read_arguments()
    os.umask(0o077)
    if arguments.end_with_parent:
        die_with_parent(os.getppid())
    supervisor = Supervisor()
    stop_on_signals(supervisor)
    try:
        return launch(arguments, supervisor)
    except LaunchError as error:
        say_on_stderr(str(error))
        return 1
    except ToldToStop as told:
        return told.status
    finally:
        supervisor.is_stopping = True
        supervisor.stop()


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m launcher", description="Starts DevinSync on this machine.")
    parser.add_argument("--end-with-parent", action="store_true", help="stop when the process that started this ends")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="web, workers, scheduler and, without REDIS_URL, a queue server")
    demo = commands.add_parser("demo", help="the same with sample data and a stand-in for Devin")
    demo.add_argument("--once", action="store_true", help="end after the first sync; 0 only if all arrived")
    demo.add_argument("--source", choices=SOURCES, default=SOURCES[0], help="where the sample's secrets are kept")
    demo.add_argument("--fleet", action="store_true", help="let the stand-in be an enterprise of twelve organizations")
    return parser.parse_args()


def launch(arguments: argparse.Namespace, supervisor: Supervisor) -> int:
    config = read_config()
    site, login = start_site(config, supervisor)
    print_login(login)
    status = 0
    sandbox_url, is_fleet = "", False
    source: tuple[str, ...] = ()
    if arguments.command == "demo":
        is_fleet = arguments.fleet
        sandbox_url, source = start_sandbox(site, is_fleet=is_fleet), start_source(site, arguments.source)
        status = run_demo(site, sandbox_url, *source, *(["--fleet"] if is_fleet else []))
        if arguments.once:
            return status
    print_addresses(site, login, sandbox_url, source, is_fleet=is_fleet)
    return stay(supervisor)


def stay(supervisor: Supervisor) -> int:
    """Being told to stop is how this ends well."""
    try:
        while True:
            supervisor.check()
            time.sleep(LOOK_EVERY)
    except ToldToStop:
        return 0


def stop_on_signals(supervisor: Supervisor) -> None:
    """The first signal ends what is going on; a second one while all is being stopped cuts the patience short."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        if supervisor.is_stopping:
            supervisor.is_hurried = True
            return
        supervisor.is_stopping = True
        print("\nStopping; a second Ctrl-C does not wait for running syncs.", flush=True)
        raise ToldToStop(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)


def print_login(login: Login) -> None:
    """At once, so that a start that fails later has not kept the only copy of the password."""
    if login.password is not None:
        print(f"Created the administrator {login.username}. Password, shown this once: {login.password}", flush=True)
    if login.notice:
        print(login.notice, flush=True)


def print_addresses(
    site: Site, login: Login, sandbox_url: str, source: tuple[str, ...] = (), *, is_fleet: bool = False
) -> None:
    print(f"\nAdmin    {site.config.admin_url}")
    print(f"Login    {login.username}" + (", with the password above" if login.password else ""))
    if sandbox_url:
        print(f"Sandbox  {sandbox_url}/, organization {ORGANIZATION}, API key {API_KEY}")
    if is_fleet:
        print(f"         eleven more, API key for all of them {FLEET_KEY}")
    match source:
        case ("--openbao", url):
            print(f"OpenBao  {url}/, its root token is in {site.config.logs / 'openbao.log'}")
        case ("--infisical", url):
            print(f"Infisical {url}/, a stand-in that shows how to change a secret there")
    print(f"Logs     {site.config.logs}")
    print("Ctrl-C stops all of it.", flush=True)
    if sandbox_url:
        print("", *what_to_try(site.config.admin_url, sandbox_url, is_fleet=is_fleet), sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
