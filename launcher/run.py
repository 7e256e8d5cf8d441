"""The processes of a DevinSync on one machine, and the order in which they start."""

import os
from dataclasses import dataclass

from launcher.config import Config, check_port
from launcher.health import answers
from launcher.prepare import GENERATED, SETTINGS, Login, manage, prepare_folder, prepare_site
from launcher.processes import Program
from launcher.supervise import Supervisor
from launcher.valkey import SECONDS_TO_START, prepare_valkey

SECONDS_FOR_WEB = 60.0


@dataclass
class Site:
    """A site being started. `environment` is what its processes get."""

    config: Config
    supervisor: Supervisor
    environment: dict[str, str]

    def program(self, name: str, command: tuple[str, ...], *, is_base: bool = False) -> Program:
        log = self.config.logs / f"{name}.log"
        return Program(name=name, command=command, log=log, environment=self.environment, is_base=is_base)


def start_site(config: Config, supervisor: Supervisor) -> tuple[Site, Login]:
    """Duties, in this order: 1. refuse a busy port; 2. folder and keys; 3. queue; 4. database; 5. the processes."""
    check_port(config)
    prepare_folder(config)
    site = Site(config=config, supervisor=supervisor, environment=environment_of(config))
    if not config.redis_url:
        start_valkey(site)
    print(f"Preparing {config.data_dir}", flush=True)
    login = prepare_site(config, site.environment)
    # It is for the first start alone; no process that serves or works needs it.
    site.environment.pop("DJANGO_SUPERUSER_PASSWORD", None)
    for number in range(1, config.workers + 1):
        supervisor.start(site.program(f"worker-{number}", manage("worker")))
    supervisor.start(site.program("scheduler", manage("scheduler")))
    supervisor.start(site.program("web", manage("serve")))
    supervisor.wait_until(
        lambda: answers(config.reachable_host, config.port, "/healthz"), name="web", seconds=SECONDS_FOR_WEB
    )
    return site, login


def environment_of(config: Config) -> dict[str, str]:
    """Paths made absolute. Generated keys are not in it: settings read them from their file."""
    given = {name: value for name, value in os.environ.items() if value or name not in GENERATED}
    return given | {
        "DATA_DIR": str(config.data_dir),
        "HOST": config.host,
        "PORT": str(config.port),
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "PYTHONUNBUFFERED": "1",
    }


def start_valkey(site: Site) -> None:
    valkey = prepare_valkey(site.config.data_dir / "valkey")
    program = Program(
        name="valkey",
        command=valkey.command,
        log=site.config.logs / "valkey.log",
        environment={"LC_ALL": "C"},
        pass_fds=(valkey.lock,),
        is_base=True,
    )
    site.supervisor.start(program)
    site.supervisor.wait_until(valkey.answers, name="valkey", seconds=SECONDS_TO_START)
    site.environment["REDIS_URL"] = valkey.url
