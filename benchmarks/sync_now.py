"""How long "Sync now" takes for whoever waits: from the request until the API's answer that the run has ended."""

import time
from dataclasses import dataclass, field

import requests

from benchmarks.fleet import issue_token
from benchmarks.reaction import PAUSE, wait_until_done
from benchmarks.site import Site
from benchmarks.subject import Disagreement, Subject, require_equal
from syncs.models import DevinSync

SECRETS = 300
CHANGED = 3
WAIT = 60


def measure(site: Site, samples: int) -> list[float]:
    """Seconds, a sample each, with 1 % of 300 secrets changed; one worker and one web process, both warm."""
    subject = Subject.create(site, "now")
    values = {f"SECRET_{number:03}": "first" for number in range(SECRETS)}
    with site.workers(1), site.web() as web, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {issue_token('now')}"
        subject.change_source(values)
        wait_until_done(subject)
        DevinSync.objects.filter(pk=subject.sync.pk).update(auto_sync_enabled=False)
        address = f"{web.address}/api/v1/secret-syncs/devin/{subject.sync.pk}/sync-secrets?wait={WAIT}"
        person = Person(site, subject, session, address, values)
        person.changes_and_clicks(samples)
        return [person.changes_and_clicks(sample) for sample in range(samples)]


@dataclass
class Person:
    site: Site
    subject: Subject
    session: requests.Session
    address: str
    values: dict[str, str] = field(repr=False)

    def changes_and_clicks(self, sample: int) -> float:
        """And looks whether Devin holds all that the source holds."""
        # A run that follows another within a second waits for others on purpose.
        time.sleep(PAUSE)
        first = sample * CHANGED % SECRETS
        changed = dict.fromkeys(list(self.values)[first : first + CHANGED], f"sample {sample}")
        self.values |= changed
        self.subject.change_source(changed)
        began = time.monotonic()
        answer = self.session.post(self.address, timeout=2 * WAIT)
        seconds = time.monotonic() - began
        if answer.status_code != 200 or answer.json()["secretSync"]["syncStatus"] != "succeeded":
            raise Disagreement(f"“Sync now” was answered {answer.status_code}, and not that the run has succeeded.")
        require_equal(self.site, self.subject.sync.org_id, self.values)
        return seconds
