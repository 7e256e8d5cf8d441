"""Settings, read from the environment.

Order of precedence: the process environment, then `.env` in the folder above this one, then `DATA_DIR/secrets.env`,
which `make run` generates with mode 0600. `.env.example` documents every variable.
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from common.environment import env, load_file
from common.log_in_settings import require_whole
from common.single_sign_on_settings import read_providers, require_way_in

# Before any model, form or admin of ours: lets their bases be written with their types, as `ModelAdmin[DevinSync]`.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

load_file(BASE_DIR / ".env")
DATA_DIR = (BASE_DIR / env.str("DATA_DIR", default="var")).resolve()
load_file(DATA_DIR / "secrets.env")


def required(name: str, what: str) -> str:
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. It is {what}. `make run` generates it; see .env.example.")
    return value


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = required("SECRET_KEY", "the key that signs sessions")
required("ENCRYPTION_KEYS", "the list of keys that encrypt secrets, newest first")
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[])

HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
# Requests that one web process answers at the same time.
WEB_THREADS = env.int("WEB_THREADS", default=8)
# Where this process shows that it lives, for the health check of a container.
LIFE_SIGN = env.str("LIFE_SIGN", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# The path below which a reverse proxy shows the site, taken off by it or not; "" if it has a host of its own.
PATH_PREFIX = env.path("PATH_PREFIX", default="")
FORCE_SCRIPT_NAME = PATH_PREFIX or None

INSTALLED_APPS = [
    # `accounts` stands after `auth`, because the groups get their permissions once these are made.
    "theme",
    "overview",
    "readers",
    "search",
    "django.contrib.auth",
    "accounts",
    "audit",
    "devinsync_site.apps.DevinSyncAdminConfig",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    # Of allauth, what speaks OpenID Connect: none of its pages has an address here.
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "axes",
    "formtools",
    "ninja",
    "django_rq",
    "devinsync_site",
    "demo",
    "metrics",
    "encryption",
    "connections",
    "vault",
    "sources",
    "syncs",
    "fleets",
    "api",
    "notices",
    "forwarding",
    "single_sign_on",
]

MIDDLEWARE = [
    "devinsync_site.prefix.CookiePathMiddleware",
    "devinsync_site.middleware.RequestIdMiddleware",
    "metrics.middleware.CountingMiddleware",
    # Outside of what may refuse a request while it is served, so that each refusal leaves in the API's envelope.
    "api.http.middleware.ApiErrorMiddleware",
    "devinsync_site.middleware.AddressMiddleware",
    "audit.middleware.AuditMiddleware",
    "devinsync_site.middleware.HealthMiddleware",
    "metrics.middleware.MetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "devinsync_site.viewer_zone.viewer_zone",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.devices.DeviceMiddleware",
    "accounts.header_log_in.HeaderLogInMiddleware",
    "accounts.presence.PresenceMiddleware",
    "accounts.second_factor.required.SecondFactorMiddleware",
    "accounts.confirming.ConfirmIdentityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "devinsync_site.middleware.NoStoreMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "devinsync_site.urls"
WSGI_APPLICATION = "devinsync_site.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database. SQLite needs IMMEDIATE: a deferred transaction that first reads and then writes fails at once with
# "database is locked", whatever the timeout, as soon as a second process writes.
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'devinsync.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # PgBouncer gives each transaction another connection of the server's, and a cursor there would be lost.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
    # The client's end of what devinsync_site.postgresql tells the server; DATABASE_URL may say otherwise.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 10,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 4,
        "tcp_user_timeout": 15_000,
    } | DATABASES["default"].get("OPTIONS", {})
    # A process that holds at most so many connections, for servers that have few; 0: one for each thread.
    if pool := env.int("DATABASE_POOL", default=0):
        DATABASES["default"]["CONN_MAX_AGE"] = 0
        DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": pool, "timeout": 10}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Queue. The default is the embedded Valkey, on a socket that only this user can open.
REDIS_URL = env.str("REDIS_URL", default=f"unix://{DATA_DIR / 'valkey' / 'valkey.sock'}?db=0")
RQ_QUEUES = {"default": {"URL": REDIS_URL, "SERIALIZER": "rq.serializers.JSONSerializer"}}
RQ_SHOW_ADMIN_LINK = False
RQ = {"COMMIT_MODE": "on_db_commit", "JOB_CLASS": "syncs.runs.queue.NoJob"}
# Throttles and lock-outs count in the database, so that they hold across processes and survive a lost queue.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "devinsync_cache"},
}

# The engine.
DEVIN_API_URL = env.str("DEVIN_API_URL", default="https://api.devin.ai")
# What connections may lead to: `host`, `host:port` or `.suffix`. Besides: the host of DEVIN_API_URL, and this machine.
DEVIN_HOSTS = env.list("DEVIN_HOSTS", default=["api.devin.ai"])
# The same for connections to sources of secrets.
SOURCE_HOSTS = env.list("SOURCE_HOSTS", default=["app.infisical.com", "us.infisical.com", "eu.infisical.com"])
# PEM file of the authorities that outgoing connections trust instead of the usual ones.
OUTBOUND_CA_BUNDLE = env.str("OUTBOUND_CA_BUNDLE", default="")
# The way out, if there is no other: http://proxy:3128, perhaps with user:password@. This machine is reached without.
OUTBOUND_PROXY = env.str("OUTBOUND_PROXY", default="")
# Proxies that a connection may name for itself, as for hosts. Besides: the one above, and those on this machine.
OUTBOUND_PROXIES = env.list("OUTBOUND_PROXIES", default=[])
# Who is told. Hosts of channels that may be on this machine or in a private network, written as above.
NOTIFY_HOSTS = env.list("NOTIFY_HOSTS", default=[])
# One attempt to tell a channel may take this long, with all that the service wants for it.
NOTIFY_DEADLINE = timedelta(seconds=env.float("NOTIFY_DEADLINE_SECONDS", default=30))
# The server that mail goes by, and whom it comes from. Security: starttls, tls or none.
SMTP_HOST = env.str("SMTP_HOST", default="")
SMTP_PORT = env.int("SMTP_PORT", default=587)
SMTP_USER = env.str("SMTP_USER", default="")
SMTP_PASSWORD = env.str("SMTP_PASSWORD", default="")
SMTP_SECURITY = env.str("SMTP_SECURITY", default="starttls")
if SMTP_SECURITY not in ("starttls", "tls", "none"):
    raise ImproperlyConfigured("SMTP_SECURITY must be starttls, tls or none. Correct it, or leave it out.")
MAIL_FROM = env.str("MAIL_FROM", default="")
# Where browsers find this site, for the links in messages: https://devinsync.example.com, without PATH_PREFIX.
PUBLIC_URL = env.str("PUBLIC_URL", default=(CSRF_TRUSTED_ORIGINS or [f"http://{HOST}:{PORT}"])[0]).rstrip("/")
WORKERS = env.int("WORKERS", default=2)
# A run holds a lease on its organization; it is renewed while the run lives and taken over once it has expired.
SYNC_LEASE = timedelta(seconds=env.float("SYNC_LEASE_SECONDS", default=18))
SYNC_LEASE_RENEWAL = timedelta(seconds=env.float("SYNC_LEASE_RENEWAL_SECONDS", default=4))
# One request to Devin may take this long in all, connecting and reading included.
DEVIN_REQUEST_DEADLINE = timedelta(seconds=env.float("DEVIN_REQUEST_DEADLINE_SECONDS", default=30))
# A write must be over before the lease on the organization can end, so it has less time than a list.
DEVIN_WRITE_DEADLINE = timedelta(seconds=env.float("DEVIN_WRITE_DEADLINE_SECONDS", default=8))
# Each worker carries out so many runs at once; most of the time they wait for Devin.
WORKER_RUNS = env.int("WORKER_RUNS", default=8)
# A worker whose process has grown beyond this lets its runs end and starts anew.
WORKER_MEMORY_MB = env.int("WORKER_MEMORY_MB", default=1024)
# Each request has its own deadline; this is for a run that waits for one rate limit after another.
SYNC_LONGEST_RUN = timedelta(seconds=env.float("SYNC_LONGEST_RUN_SECONDS", default=6 * 3600))
# The scheduler looks this often for runs that are due, and rings again for one that the queue seems to have lost.
SCHEDULER_TICK = timedelta(seconds=env.float("SCHEDULER_TICK_SECONDS", default=1))
SYNC_RING_AGAIN = timedelta(seconds=env.float("SYNC_RING_AGAIN_SECONDS", default=15))
# A change starts a run at once; further changes wait for a pause this long, but never longer than the second.
SYNC_QUIET_TIME = timedelta(seconds=env.float("SYNC_QUIET_SECONDS", default=1))
SYNC_LONGEST_WAIT = timedelta(seconds=env.float("SYNC_LONGEST_WAIT_SECONDS", default=30))
# The first of the growing pauses between the attempts of one run.
SYNC_RETRY_BASE = timedelta(seconds=env.float("SYNC_RETRY_BASE_SECONDS", default=3))
# An approval of a plan lets its run begin for this long; later, the plan has to be approved again.
APPROVAL_LASTS = timedelta(minutes=env.float("APPROVAL_MINUTES", default=15))
# What new syncs do with secrets that DevinSync did not write: delete, ask, leave; empty: delete, and in the wizard ask.
STRANGERS = env.str("STRANGERS", default="")
if STRANGERS not in ("", "delete", "ask", "leave"):
    raise ImproperlyConfigured("STRANGERS must be delete, ask or leave. Correct it, or leave it out.")
# Ended runs are kept this long.
# The audit log is kept this long, 0 for ever. The database refuses to alter it.
AUDIT_KEPT = timedelta(days=env.int("AUDIT_DAYS", default=365))
AUDIT_TRIGGERS = True
# Where each line of it is sent besides, as addresses: file, syslog, https.
AUDIT_STREAM = env.list("AUDIT_STREAM", default=[])
AUDIT_STREAM_TOKEN = env.str("AUDIT_STREAM_TOKEN", default="")
HISTORY_KEPT = timedelta(days=env.int("HISTORY_DAYS", default=90))
# Versions of secrets, from the day on which they were replaced; the log's lines on values read by API. 0: for ever.
SECRET_VERSIONS_KEPT = timedelta(days=env.int("SECRET_VERSION_DAYS", default=365))
READ_LOG_KEPT = timedelta(days=env.int("READ_LOG_DAYS", default=90))
# What was deleted in the vault can be restored for so long. 0: not at all.
TRASH_KEPT = timedelta(days=env.int("TRASH_DAYS", default=7))

# The API. So many requests a minute from one token or one address, 0 for no limit; and how many proxies of one's own
# stand in front, each of which appends the address it saw to X-Forwarded-For.
API_RATE_PER_MINUTE = env.int("API_RATE_PER_MINUTE", default=600)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)

# Whoever has it reads /metrics, which tells counts and times, and the names of syncs where that is on.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
if METRICS_TOKEN and len(METRICS_TOKEN) < 16:
    raise ImproperlyConfigured("METRICS_TOKEN has fewer than 16 characters. Make a longer one: openssl rand -hex 32.")
# Errors go there, without values, where sentry-sdk is installed; spans there, where OpenTelemetry is, which reads its
# other variables (OTEL_…) by itself.
SENTRY_DSN = env.str("SENTRY_DSN", default="")
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
METRICS_PER_SYNC = env.bool("METRICS_PER_SYNC", default=False)

# Logging in by a header in which a reverse proxy says who it is, if it comes from one of these addresses or networks.
LOGIN_HEADER = env.str("LOGIN_HEADER", default="")
LOGIN_PROXIES = env.list("LOGIN_PROXIES", default=[])
# The header that says when they last proved it, in seconds since 1970: a fresh proof then counts for what is grave.
LOGIN_TIME_HEADER = env.str("LOGIN_TIME_HEADER", default="")
# Whether somebody unknown gets an account, which may do nothing yet.
LOGIN_CREATES_PEOPLE = env.bool("LOGIN_CREATES_PEOPLE", default=False)
# Where the proxy ends its own session, on the same host; people are led there when they log out.
LOGOUT_PATH = env.str("LOGOUT_PATH", default="")
require_whole(
    header=LOGIN_HEADER,
    time_header=LOGIN_TIME_HEADER,
    proxies=LOGIN_PROXIES,
    creates=LOGIN_CREATES_PEOPLE,
    way_out=LOGOUT_PATH,
)

# Logging in at providers of OpenID Connect, by name; whether by them alone; and the one account whose password counts
# even then, for the day on which no provider answers.
SSO_PROVIDERS = read_providers(env)
SSO_ONLY = env.bool("SSO_ONLY", default=False)
SSO_BREAK_GLASS = env.str("SSO_BREAK_GLASS", default="")
require_way_in(SSO_PROVIDERS, only=SSO_ONLY, break_glass=SSO_BREAK_GLASS)
# Whom people without a right turn to, in words: a name, an address, a channel.
ASK_FOR_ACCESS = env.str("ASK_FOR_ACCESS", default="")
SOCIALACCOUNT_ADAPTER = "single_sign_on.protocol.Library"
SOCIALACCOUNT_STORE_TOKENS = False

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "single_sign_on.backends.PasswordGate",
    "django.contrib.auth.backends.ModelBackend",
    "single_sign_on.backends.ProviderBackend",
]
AXES_HANDLER = "audit.attempts.AttemptsHandler"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
# Failures count per account and per address, and a success of one's own clears nobody else's. A browser that has logged
# in with the account before has a count of its own, so neither locks out the people who work here.
AXES_RESET_ON_SUCCESS = False
# What is tried while it is locked is neither looked at nor counted: it prolongs no lock, and fills no table.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_USERNAME_CALLABLE = "accounts.login_names.counted_name"
AXES_WHITELIST_CALLABLE = "accounts.devices.is_known"
AXES_LOCKOUT_TEMPLATE = "admin/locked_out.html"
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "password", "code", "answer"]
AXES_CLIENT_STR_CALLABLE = None
# As for the API: behind a proxy, everybody would else share one address, and lock one another out.
AXES_CLIENT_IP_CALLABLE = "common.addresses.counted_address"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": "accounts.passwords.GuessValidator"}]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = ["theme.formats"]

STATIC_URL = f"{PATH_PREFIX}/static/"
WHITENOISE_STATIC_PREFIX = "/static/"
# Static files that were collected already, as they are in the image; else `prepare` collects them.
STATIC_DIR = env.str("STATIC_DIR", default="")
STATIC_ROOT = Path(STATIC_DIR) if STATIC_DIR else DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG

# This application shows secrets to people: nothing on its pages may come from elsewhere, and no script or style is
# inline.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Served by plain http on loopback, and behind a proxy that speaks TLS elsewhere: there, HTTPS=1 turns on what only
# works with it.
HTTPS = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_ENGINE = "accounts.sessions"
# A session ends so long after its log-in, or after its person was last seen; what is grave asks for the password again.
SESSION_LONGEST = timedelta(hours=env.float("SESSION_HOURS", default=12))
SESSION_IDLE = timedelta(minutes=env.float("SESSION_IDLE_MINUTES", default=30))
CONFIRM_IDENTITY = timedelta(minutes=env.float("CONFIRM_IDENTITY_MINUTES", default=10))
# Who has to have a second factor: `everyone`, or names of groups. And whether it is asked of people whom a reverse
# proxy or a provider logs in, which may ask for one of its own.
SECOND_FACTOR_REQUIRED = env.list("SECOND_FACTOR_REQUIRED", default=[])
SECOND_FACTOR_FOR_PROVIDERS = env.bool("SECOND_FACTOR_FOR_PROVIDERS", default=False)
SESSION_COOKIE_AGE = int(SESSION_LONGEST.total_seconds())
SESSION_COOKIE_HTTPONLY = True
if PATH_PREFIX:
    # Of two cookies of one name the one of the whole host would win, and that is a neighbour's.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "devinsync-session", "devinsync-csrf"
SESSION_COOKIE_SAMESITE = "Lax"
MESSAGE_STORAGE = "devinsync_site.messages.Storage"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
# A page that confirms something for many syncs names each of them in a field.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
# An uploaded .env stays in memory: the other handler would write it, in clear, to a temporary file.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = DATA_UPLOAD_MAX_MEMORY_SIZE

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "devinsync_site.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "axes": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "fido2": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}
