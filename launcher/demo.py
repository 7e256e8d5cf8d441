"""`make demo`: the site, a stand-in for Devin, sample data and one sync through all of it."""

import subprocess
import sys
import time

from launcher.config import ROOT, choose_port
from launcher.health import answers
from launcher.openbao import start_openbao
from launcher.prepare import manage
from launcher.processes import before_exec
from launcher.run import Site
from launcher.supervise import hint, say_on_stderr

SECONDS_FOR_SANDBOX = 60.0
SOURCES = ("vault", "infisical", "openbao")
# Of the sandbox, as it starts.
ORGANIZATION, API_KEY = "org-sandbox", "cog_sandbox"
# Beside it, the enterprise of `--fleet`, and the key that opens every organization and may list them.
FLEET = (
    *("Billing", "Catalog", "Checkout", "Data", "Identity", "Mobile"),
    *("Payments", "Platform", "Search", "Shipping", "Support"),
)
FLEET_KEY, FLEET_CONNECTION = "cog_sandbox_fleet", "devin-sandbox-fleet"


def fleet_arguments() -> tuple[str, ...]:
    """What the sandbox is told, so that it holds an enterprise of twelve organizations."""
    organizations = (f"--organization=org-{name.lower()}={name}" for name in FLEET)
    return (*organizations, f"--key={FLEET_KEY}=*")


def start_sandbox(site: Site, *, is_fleet: bool = False) -> str:
    """Returns its address; what it holds stays in the data folder, so that a second demo finds it."""
    port = choose_port(site.config)
    data = site.config.data_dir / "sandbox.json"
    more = fleet_arguments() if is_fleet else ()
    command = (sys.executable, "-m", "sandbox", "--port", str(port), "--data", str(data), *more)
    site.supervisor.start(site.program("sandbox", command, is_base=True))
    site.supervisor.wait_until(lambda: answers("127.0.0.1", port, "/"), name="sandbox", seconds=SECONDS_FOR_SANDBOX)
    return f"http://127.0.0.1:{port}"


def what_to_try(admin_url: str, sandbox_url: str, *, is_fleet: bool = False) -> tuple[str, ...]:
    """For whoever has just started it."""
    lines = (
        f"Try 1  Change a secret that the sync reads, and watch it arrive: {sandbox_url}/orgs/{ORGANIZATION}",
        "Try 2  Edit a note there or add a secret as a stranger, then “Sync now”: the run says what it made of it",
        f"Try 3  Press “Answer 503” there and sync again; find anything else by Ctrl+K: {admin_url}",
    )
    if not is_fleet:
        return lines
    return (
        *lines,
        f"Try 4  Make a sync through {FLEET_CONNECTION}, its organization by name: {admin_url}syncs/devinsync/add/",
        f"Try 5  Add a 13th at {sandbox_url}/add, then press “Ask for organizations” on the page of that connection",
    )


def start_source(site: Site, source: str) -> tuple[str, ...]:
    """Starts what the sample is read from; answers how `demo_data` finds it."""
    if source == "infisical":
        return ("--infisical", start_infisical(site))
    if source != "openbao":
        return ()
    server = start_openbao(site)
    # Through the environment, which only this user can see.
    site.environment["DEMO_OPENBAO_TOKEN"] = server.root_token
    return ("--openbao", server.url)


def start_infisical(site: Site) -> str:
    """A stand-in with sample data, which it forgets when it ends. Returns its address."""
    port = choose_port(site.config)
    command = (sys.executable, "-m", "sandbox.infisical", "--port", str(port))
    site.supervisor.start(site.program("infisical", command, is_base=True))
    site.supervisor.wait_until(lambda: answers("127.0.0.1", port, "/"), name="infisical", seconds=SECONDS_FOR_SANDBOX)
    return f"http://127.0.0.1:{port}"


def run_demo(site: Site, sandbox_url: str, *options: str) -> int:
    """Prints the sync's history; the status is 0 only if the sandbox holds exactly what was expected."""
    command = manage("demo_data", "--sandbox", sandbox_url, "--site", site.config.url, *options)
    log = site.config.logs / "demo.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=site.environment,
            stderr=errors,
            preexec_fn=before_exec(),  # noqa: PLW1509 - the launcher has no threads
        )
    try:
        while process.poll() is None:
            site.supervisor.check()
            time.sleep(0.05)
    finally:
        process.kill()
    status = process.wait()
    if status != 0:
        say_on_stderr(f"The demo's sync did not come out as expected. {hint(log)}")
    return status
