"""What the sidebar leads to, area by area."""

from theme.navigation import Area, Entry

AREAS = (
    Area("", (Entry("overview", url_name="admin:index", label="Overview"),)),
    Area(
        "Syncs",
        (
            Entry("sync", "syncs.DevinSync", label="Syncs"),
            Entry("list", "fleets.SyncSet", label="Sync sets"),
            Entry("runs", "syncs.SyncRun", label="Runs"),
            Entry("list", "syncs.SyncRunChange", label="Changes by key"),
            Entry("key", "syncs.ManagedSecret", label="Managed secrets"),
            Entry("pause", "syncs.SyncControl", label="Pause all"),
        ),
    ),
    Area(
        "Vault and connections",
        (
            Entry("vault", "vault.Project", label="Projects", is_whole_app=True),
            Entry("connection", "connections.Connection", label="Connections"),
            Entry("connection", "api.Hook", label="Webhooks"),
        ),
    ),
    Area(
        "Notifications",
        (
            Entry("bell", "notices.Channel", label="Channels"),
            Entry("list", "notices.Rule", label="Rules"),
            Entry("runs", "notices.Incident", label="Incidents"),
            Entry("send", "notices.Delivery", label="Deliveries"),
        ),
    ),
    Area(
        "Administration",
        (
            Entry("users", "auth.User", label="Users"),
            Entry("group", "auth.Group", label="Groups"),
            Entry("key", "single_sign_on.Identity", label="Identities"),
            Entry("token", "api.ApiToken", label="API tokens"),
            Entry("shield", "api.MachineIdentity", label="Machine identities"),
            Entry("lock", "axes.AccessAttempt", label="Failed log-ins"),
            Entry("list", "audit.Entry", label="Audit log"),
        ),
    ),
)
# Reached from other pages, or of no use to a person.
UNLISTED_APPS = ("axes", "django_rq", "vault")
