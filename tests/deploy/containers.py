"""Runs services as compose.yaml has it, without a container engine: namespaces, a root that is only read, mounts, an
ordinary user without capabilities. Their network is this process's own, with nothing but a loopback in it.

Each is the first process of its numbers, as in a container that has no `init`.
"""

import os
import shlex
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.building import Image
from tests.deploy.compose import Service
from tests.patience import PATIENCE, wait_until

DEVICES = ("null", "zero", "full", "random", "urandom")
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the container's own


@dataclass
class Machine:
    """`folder` holds volumes and logs; `secrets` is the folder that deploy/make-secrets made."""

    folder: Path
    secrets: Path
    hosts: Path

    def volume(self, name: str, owner: tuple[int, int]) -> Path:
        """A new one gets the owner of what the image has in its place, as Docker does it."""
        volume = self.folder / "volumes" / name
        if not volume.exists():
            volume.mkdir(mode=0o700, parents=True)
            os.chown(volume, *owner)
        return volume


class Container:
    def __init__(self, machine: Machine, image: Image, service: Service, *, number: int = 1) -> None:
        self.machine, self.image, self.service = machine, image, service
        self.name = f"{service.name}-{number}"
        self.log = machine.folder / f"{self.name}.log"
        self.mounts = image.root.parent / f"root-{self.name}"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def user(self) -> tuple[int, int]:
        named = str(self.service.given.get("user", self.image.user))
        if named[0].isdigit():
            user, group = named.split(":")
            return int(user), int(group)
        entries = (line.split(":") for line in (self.image.root / "etc" / "passwd").read_text().splitlines())
        return next((int(one[2]), int(one[3])) for one in entries if one[0] == named)

    @property
    def environment(self) -> dict[str, str]:
        home = {"HOME": "/", "HOSTNAME": self.name}
        return home | self.image.env | {name: str(value) for name, value in self.service.environment.items()}

    def script(self) -> str:
        """Mounts everything; what follows it in a shell sees nothing else."""
        root = self.mounts
        lines = [f"mount --bind {self.image.root} {root}", f"mount -o remount,bind,ro {root}"]
        lines += [f"mount -t proc proc {root}/proc", f"mount -t tmpfs -o mode=755 dev {root}/dev"]
        lines += [f"touch {root}/dev/{one} && mount --bind /dev/{one} {root}/dev/{one}" for one in DEVICES]
        lines += [f"ln -s /proc/self/fd {root}/dev/fd", f"mkdir -m 1777 {root}{SHARED_MEMORY}"]
        for path, options in self.service.tmpfs.items():
            given = options or "mode=1777"
            lines.append(f"mount -t tmpfs -o nosuid,nodev,noexec,{given} tmpfs {root}{path}")
        for path, name in self.service.volumes.items():
            place = os.stat(f"{self.image.root}{path}")
            lines.append(f"mount --bind {self.machine.volume(name, (place.st_uid, place.st_gid))} {root}{path}")
        lines.append(f"mount -t tmpfs -o mode=755 secrets {root}/run/secrets")
        for name in self.service.given.get("secrets", []):
            file = f"{root}/run/secrets/{name}"
            lines.append(f"touch {file} && mount --bind -o ro {self.machine.secrets / name} {file}")
        lines.append(f"mount --bind -o ro {self.machine.hosts} {root}/etc/hosts")
        return "set -e\n" + "\n".join(lines) + "\n"

    def inside(self, command: list[str], more: dict[str, str]) -> list[str]:
        user, group = self.user
        return [
            *("chroot", str(self.mounts), "setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"),
            *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
            *("env", "--ignore-environment", f"--chdir={self.image.folder}"),
            *(f"{name}={value}" for name, value in (self.environment | more).items()),
            *command,
        ]

    def start(self, command: list[str] | None = None) -> None:
        # The places to mount at, which Docker makes in a layer of the container's own.
        for path in ["/run/secrets", *self.service.tmpfs, *self.service.volumes]:
            Path(f"{self.image.root}{path}").mkdir(parents=True, exist_ok=True)
        self.mounts.mkdir(exist_ok=True)
        wanted = command or self.service.command or self.image.command
        script = self.script() + "exec " + shlex.join(self.inside(wanted, {}))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private", "sh", "-c", script],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    @property
    def first(self) -> int:
        """The number, on this machine, of its first process; 0 if there is none yet or any more."""
        assert self.process is not None
        try:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        except OSError:
            return 0
        return int(children[0]) if children else 0

    def run(self, command: list[str], **more: str) -> "subprocess.CompletedProcess[str]":
        """Another process beside its first, as `docker exec` starts it."""
        enter = ["nsenter", f"--target={self.first}", "--mount", "--pid"]
        return subprocess.run(
            [*enter, *self.inside(command, more)], capture_output=True, text=True, check=False, timeout=PATIENCE
        )

    def is_healthy(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.log.read_text()[-3000:]}")
        return bool(self.first) and self.run(self.service.check or self.image.check).returncode == 0

    def wait_healthy(self) -> None:
        wait_until(self.is_healthy, pause=0.5)

    def wait_for_end(self) -> int:
        assert self.process is not None
        return self.process.wait(timeout=PATIENCE)

    def stop(self) -> int:
        """The status that it ends with; one that takes longer than its grace is killed, as Docker does."""
        assert self.process is not None
        os.kill(self.first, signal.SIGTERM)
        try:
            return self.process.wait(timeout=self.service.grace)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=PATIENCE)
            return -signal.SIGKILL

    def memory(self) -> int:
        """Bytes of its own and its share of what it shares, of all of its processes."""
        found, todo = 0, [self.first]
        while todo:
            pid = todo.pop()
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                todo += [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended since it was found
            found += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        return found
