"""The numbers that go up and down, each with its labels; `metrics.moment` reads them.

No label holds the name of a secret; the names of syncs and connections only where `METRICS_PER_SYNC` is on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connections.registry import app_choices
from fleets.needs import Need
from syncs.choices import Status

SYNC_STATES = ("disabled", "without_source", "new", *Status.values)
CONNECTION_STATES = ("accepted", "refused", "untested")


@dataclass(frozen=True)
class Gauge:
    """A number that goes up and down. `labels` gives the values of each label, or none where they are names."""

    name: str
    what: str
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)


INFO = Gauge("devinsync_build_info", "Always 1; the version of the web process that answers.", {"version": ()})
PAUSED = Gauge("devinsync_paused", "1 while all syncs are paused.")
SCHEDULER_SEEN = Gauge(
    "devinsync_scheduler_seen_timestamp_seconds",
    "When a scheduler last gave a sign of life, which it does every 15 seconds; 0: never.",
)
QUEUE_UP = Gauge("devinsync_queue_up", "1 if the queue answers.")
BELLS = Gauge("devinsync_queue_bells", "Bells in the queue that no worker has heard yet; 0 if the queue is away.")
WORKERS = Gauge("devinsync_workers", "Worker processes that have shown themselves lately; 0 if the queue is away.")
SYNCS = Gauge("devinsync_syncs", "Syncs by what became of their last run.", {"state": SYNC_STATES})
IN_STEP = Gauge(
    "devinsync_secrets_in_step", "Secrets that the last runs that succeeded left as their sources have them."
)
AWAITING = Gauge("devinsync_runs_awaiting_approval", "Runs whose plan waits for another person's approval.")
DEPTH = Gauge("devinsync_queue_depth", "Runs whose time has come and that wait for a worker; 0 while paused.")
OLDEST = Gauge(
    "devinsync_queue_oldest_age_seconds",
    "For how long the oldest of them has been waiting since its time came; 0 if none waits.",
)
LATER = Gauge("devinsync_runs_later", "Runs that wait for their time: a pause in changes, another attempt.")
RUNNING = Gauge("devinsync_runs_running", "Runs under way.")
LONGEST = Gauge("devinsync_running_oldest_age_seconds", "For how long the oldest run under way has been; 0 if none is.")
MISSING = Gauge("devinsync_missing_keys", "Keys that are missing from Devin until a run puts them back.")
CONNECTIONS = Gauge(
    "devinsync_connections",
    "Connections by whether their service accepted the credentials when it was last asked.",
    {"app": tuple(name for name, _ in app_choices()), "state": CONNECTION_STATES},
)
LIMITED = Gauge("devinsync_connections_rate_limited", "Connections whose service has asked to be left alone for now.")
SOURCES = Gauge(
    "devinsync_linked_projects",
    "Projects that are kept elsewhere, by whether they could be read when that was last tried.",
    {"state": ("readable", "unreadable")},
)
AUDIT_WAITING = Gauge(
    "devinsync_audit_stream_oldest_age_seconds",
    "For how long the oldest line of the audit log has been waiting for its target; 0 if none waits.",
    {"target": ()},
)
DUE = Gauge(
    "devinsync_secrets_due", "Secrets whose rotation is due within 14 days, or overdue.", {"state": ("due", "overdue")}
)
EXPIRY = Gauge(
    "devinsync_key_expiry_timestamp_seconds",
    "When the first key of a kind runs out, those that have within the last week included; none if none does.",
    {"kind": ("api_token", "client_secret")},
)
CONNECTION_EXPIRY = Gauge(
    "devinsync_connection_key_expiry_timestamp_seconds",
    "When the first key of the connections in use to an app runs out, or has; none where nothing is known of any.",
    {"app": tuple(name for name, _ in app_choices())},
)
KEY_ROTATIONS = Gauge(
    "devinsync_key_rotations",
    "Rotations of connections' keys: under way, standing still for half an hour, and those whose last attempt failed.",
    {"state": ("under_way", "standing_still", "failed")},
)
SETS = Gauge(
    "devinsync_sync_sets_waiting",
    "Sync sets that wait for a person: by what for.",
    {"state": tuple(Need.values)},
)
UNTOLD = Gauge("devinsync_notifications_waiting", "Messages that wait to be sent, or to be sent again.")
UNTOLD_SINCE = Gauge(
    "devinsync_notifications_oldest_age_seconds",
    "For how long the oldest of them has been there, attempts that failed included; 0 if none waits.",
)
EACH_EXPIRY = Gauge(
    "devinsync_each_connection_key_expiry_timestamp_seconds",
    "When the key of a connection in use runs out, or has; none where that is not known.",
    {"connection": ()},
)
SYNC_STATE = Gauge(
    "devinsync_sync_state", "1 for the state that a sync is in.", {"project": (), "sync": (), "state": SYNC_STATES}
)
SYNC_SYNCED = Gauge(
    "devinsync_sync_synced_timestamp_seconds",
    "When the last run of a sync that succeeded ended; 0: none has.",
    {"project": (), "sync": ()},
)
GAUGES = (
    INFO, PAUSED, SCHEDULER_SEEN, QUEUE_UP, BELLS, WORKERS, SYNCS, IN_STEP, AWAITING, DEPTH, OLDEST, LATER, RUNNING,
    LONGEST, MISSING, CONNECTIONS, LIMITED, SOURCES, AUDIT_WAITING, DUE, EXPIRY, CONNECTION_EXPIRY,
    KEY_ROTATIONS, SETS, UNTOLD, UNTOLD_SINCE,
)  # fmt: skip
GAUGES_PER_SYNC = (EACH_EXPIRY, SYNC_STATE, SYNC_SYNCED)
