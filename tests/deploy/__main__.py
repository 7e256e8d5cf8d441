"""`.ci/image`: builds the image by the Dockerfile's own steps, then runs compose.yaml with it up to a secret that has
arrived in the sandbox, the health checks and an end in order. Prints what it took.

    python -m tests.deploy build FOLDER     needs root and the package indexes
    python -m tests.deploy run FOLDER       needs root, and a network of its own without anybody else in it
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.deploy.building import Builder, Image
from tests.deploy.compose import in_order, read_services
from tests.deploy.containers import Container, Machine
from tests.deploy.dockerfile import ROOT
from tests.deploy.roots import size_of
from tests.deploy.stores import make_stores
from tests.patience import PATIENCE, wait_until

SITE = "http://127.0.0.1:8000"
SANDBOX = "http://127.0.0.1:8801"
ORGANIZATION = "org-sandbox"
# A key of the demo's sample.
CHANGED = "STRIPE_API_KEY"
IMAGES = "images.json"
MIB = 1 << 20


def say(text: str) -> None:
    print(text, flush=True)


def build(work: Path) -> None:
    began = time.monotonic()
    builder, services = Builder(work), read_services()
    image = builder.build()
    say(f"Built in {time.monotonic() - began:.0f} s.")
    for what, root in (
        ("base", builder.built["base"].root),
        ("image", image.root),
        ("packages", image.root / "opt/venv"),
    ):
        say(f"{what}: {size_of(root) / MIB:.0f} MiB")
    images = {name: image for name, service in services.items() if service.is_ours} | make_stores(builder, services)
    (work / IMAGES).write_text(json.dumps({name: asdict(one) for name, one in images.items()}, default=str))


def run(work: Path) -> None:
    kept = json.loads((work / IMAGES).read_text())
    images = {name: Image(**one | {"root": Path(one["root"])}) for name, one in kept.items()}
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    machine = prepare_machine(work)
    with sandbox(work):
        running = start_all(machine, images)
        try:
            look_at(running)
            stop_all(running)
        finally:
            for container in running:
                if container.process is not None:
                    container.process.kill()
    say("The image's steps pass.")


def prepare_machine(work: Path) -> Machine:
    folder = work / "machine"
    folder.mkdir()
    subprocess.run(["sh", str(ROOT / "deploy" / "make-secrets"), str(folder / "secrets")], check=True)
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {' '.join(read_services())}\n")
    return Machine(folder, folder / "secrets", hosts)


@contextmanager
def sandbox(work: Path) -> Iterator[None]:
    """The stand-in for Devin; outside of the image, which has none."""
    command = [sys.executable, "-m", "sandbox", "--port", SANDBOX.rpartition(":")[2]]
    with (work / "sandbox.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def start_all(machine: Machine, images: dict[str, Image]) -> list[Container]:
    """In the order of compose.yaml, each once those that it waits for are as it says."""
    running: list[Container] = []
    for service in in_order(read_services()):
        began = time.monotonic()
        started = [Container(machine, images[service.name], service, number=one + 1) for one in range(service.replicas)]
        for container in started:
            container.start()
        if not service.is_checked:
            [container] = started
            status = container.wait_for_end()
            if status != 0:
                raise RuntimeError(f"{container.name} ended with {status}:\n{container.log.read_text()[-3000:]}")
        else:
            for container in started:
                container.wait_healthy()
            running += started
        say(f"{service.name}: {'healthy' if service.is_checked else 'done'} after {time.monotonic() - began:.0f} s")
    return running


def look_at(running: list[Container]) -> None:
    web = next(one for one in running if one.name == "web-1")
    nothing_can_be_written(running)
    told = must(web, ["python", "manage.py", "demo_data", "--sandbox", SANDBOX])
    say(told.splitlines()[-1])
    change_arrives(web)
    [sheet, *_] = re.findall(r'href="(/static/[^"]+\.css)"', fetch(f"{SITE}/admin/login/"))
    say(f"The web process serves its log-in and {sheet} ({len(fetch(SITE + sheet))} bytes).")
    must(web, ["python", "manage.py", "backup", "/var/lib/devinsync/backup"])
    for container in running:
        state = "healthy" if container.is_healthy() else "NOT HEALTHY"
        used, allowed = container.memory(), container.service.memory
        say(f"{container.name}: {state}, {used / MIB:.0f} MiB of {allowed / MIB:.0f}")
        if state != "healthy" or used > allowed:
            raise RuntimeError(f"{container.name} is not as it should be")


def must(container: Container, command: list[str]) -> str:
    ended = container.run(command)
    if ended.returncode != 0:
        raise RuntimeError(
            f"{command} in {container.name} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
        )
    return ended.stdout.strip()


def nothing_can_be_written(running: list[Container]) -> None:
    """But where compose.yaml lets it."""
    writable = 'for f in / /etc /opt /opt/devinsync /usr /var /run /run/secrets/*; do [ ! -w "$f" ] || echo "$f"; done'
    for container in running:
        if found := must(container, ["sh", "-c", writable]):
            raise RuntimeError(f"{container.name} can write to {found}")
        rights = must(
            container, ["sh", "-c", "grep -E '^(CapEff|CapBnd|NoNewPrivs|Uid)' /proc/1/status | tr -s '\\t\\n' ' '"]
        )
        if not re.fullmatch(r"Uid: ([1-9]\d*) \1 \1 \1 CapEff: 0+ CapBnd: 0+ NoNewPrivs: 1", rights.strip()):
            raise RuntimeError(f"{container.name} has other rights than none: {rights}")
    say("Nobody is root, has a capability or can write to the root.")


def change_arrives(web: Container) -> None:
    """A change by the API reaches Devin: web, queue and worker hand it on."""
    made = must(web, ["python", "manage.py", "create_api_token", "--user=admin", "--name=steps"])
    token = next(word for word in made.split() if word.startswith("dst_"))
    before = digests()
    [key] = [key for key in before if key.endswith(CHANGED)]
    body = {"projectSlug": "acme-shop", "environment": "dev", "secretPath": "/checkout", "secretValue": "changed"}
    request = urllib.request.Request(
        f"{SITE}/api/v3/secrets/raw/{CHANGED}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method="PATCH",
    )
    began = time.monotonic()
    urllib.request.urlopen(request, timeout=PATIENCE).close()
    wait_until(lambda: digests().get(key) not in (None, before[key]))
    say(f"A change of {key} by the API was in the sandbox after {time.monotonic() - began:.1f} s.")


def digests() -> dict[str, str]:
    held: dict[str, Any] = json.loads(fetch(f"{SANDBOX}/_sandbox/organizations/{ORGANIZATION}"))
    return {secret["key"]: secret["sha256"] for secret in held["secrets"]}


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return str(answer.read().decode())


def stop_all(running: list[Container]) -> None:
    for container in reversed(running):
        began = time.monotonic()
        status = container.stop()
        say(f"{container.name}: ended with {status} after {time.monotonic() - began:.1f} s")
        if status != 0:
            raise RuntimeError(container.log.read_text()[-3000:])


if __name__ == "__main__":
    os.umask(0o022)
    {"build": build, "run": run}[sys.argv[1]](Path(sys.argv[2]))
