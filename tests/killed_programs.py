"""The product's own programs, some of which are killed by SIGKILL and started anew."""

import signal
import subprocess
from pathlib import Path

from launcher.processes import kill_session
from tests.patience import PATIENCE
from tests.syncs.torture.programs import start_program


class Programs:
    """By their commands, one of each, with these variables of the environment."""

    def __init__(self, logs: Path, **variables: str) -> None:
        self._logs, self._variables = logs, variables
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.starts = 0

    def keep(self, *commands: str) -> None:
        """Starts those of these that do not live."""
        for command in commands:
            process = self._running.get(command)
            if process is None or process.poll() is not None:
                self.starts += 1
                log = self._logs / f"{command}-{self.starts}.log"
                self._running[command] = start_program(command, log=log, **self._variables)

    def kill(self, *commands: str) -> None:
        """Without a word, with all that they have started."""
        for command in commands:
            kill_session(self._running[command].pid)
        self.wait_for_death_of(*commands)

    def wait_for_death_of(self, *commands: str) -> None:
        for command in commands:
            process = self._running[command]
            process.wait(PATIENCE)
            assert process.returncode == -signal.SIGKILL, (command, process.returncode)

    def end(self) -> None:
        for process in self._running.values():
            kill_session(process.pid)
            process.wait()
