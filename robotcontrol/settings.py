"""Settings of Controle de Robôs: one file, read from the environment (README has the table)."""

import hashlib
import secrets
import socket
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from robotcontrol import env, logs

BASE_DIR = Path(__file__).resolve().parent.parent
VERSAO = str(tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"])
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var"))).resolve()
VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY") or env.secret_file(VAR_DIR / "secret_key", lambda: secrets.token_urlsafe(64))
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

# Fernet keys for the credentials, newest first; without the variable, one key kept in a 0600 file.
VAULT_KEYS = env.fernet_keys("VAULT_KEYS")
VAULT_KEY_FILE = VAR_DIR / "vault_key"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_q",
    "django_htmx",
    "csp",
    "ninja",
    "executions",
    "workers",
]
MIDDLEWARE = [
    "robotcontrol.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "robotcontrol.middleware.HtmxLoginMiddleware",
]
ROOT_URLCONF = "robotcontrol.urls"
WSGI_APPLICATION = "robotcontrol.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


SERVER_LIMITS = (
    "-c idle_in_transaction_session_timeout=15s"
    " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)


def _database() -> dict[str, Any]:
    """SQLite beside the code, or the server named by DATABASE_URL.

    SQLite runs in WAL and begins every transaction IMMEDIATE: Django's default (deferred) fails with
    "database is locked" as soon as two processes write, because the busy timeout does not cover an upgrade.
    """
    url = env.text("DATABASE_URL")
    if not url:
        url = f"sqlite:///{VAR_DIR / 'controle.sqlite3'}"
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url))
    except (ValueError, dj_database_url.UnknownSchemeError) as error:
        raise ImproperlyConfigured("DATABASE_URL is not a database address (sqlite:///… or postgres://…).") from error
    engine = str(config["ENGINE"])
    if engine.endswith("sqlite3"):
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        # A file: the in-memory default shares one connection's locks among threads.
        config["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
    elif engine.endswith("postgresql"):
        # A network that is cut says nothing: without these, a query waits for a quarter of an hour, and a host with it.
        limits = {"connect_timeout": 10, "tcp_user_timeout": 30_000}
        limits |= {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
        given = config.get("OPTIONS", {})
        # The other end too: who is frozen or lost inside a transaction would hold its locks, and everybody, for hours.
        asked = " ".join(filter(None, [SERVER_LIMITS, given.get("options")]))
        config["OPTIONS"] = limits | given | {"options": asked}
    else:
        raise ImproperlyConfigured("DATABASE_URL: only SQLite and PostgreSQL are supported.")
    config["CONN_MAX_AGE"] = None
    config["CONN_HEALTH_CHECKS"] = True
    return config


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "entrar"
LOGOUT_REDIRECT_URL = "entrar"
LOGIN_REDIRECT_URL = "executions:painel"

LANGUAGE_CODE = "pt-br"
TIME_ZONE = "America/Sao_Paulo"
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "locale"]  # the ids are the Portuguese texts: only other languages have files
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
# Hashed names need collectstatic, so they are for a deployment, not for a checkout.
WHITENOISE_USE_FINDERS = True

# HTTPS=0 is for a machine that serves its own loopback, or sits behind nothing but a trusted network.
HTTPS = env.flag("HTTPS", not DEBUG)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz/(live|ready)$"]  # asked from beside, by what terminates the TLS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Everything from this server alone: no inline script or style, no eval, no frame, no plug-in, no form sent elsewhere.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
TRUST_PROXY = env.flag("TRUST_PROXY", False)
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOG_FORMAT = env.choice("LOG_FORMAT", "line", ("line", "json"))
LOGGING = logs.config(
    json_lines=LOG_FORMAT == "json", level=env.text("LOG_LEVEL", "INFO").upper(), path=env.text("LOG_FILE")
)

# ---- requests -----------------------------------------------------------------------------------------------------
# A batch may be a long list of names, or many files; one file's own limit is executions.intake_files.LIMITE_BYTES.
UPLOAD_MAX_BYTES = env.integer("UPLOAD_MAX_MB", 200, at_least=1) * 2**20
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
DATA_UPLOAD_MAX_NUMBER_FILES = 2_000
TOKEN_FAILURES_PER_MINUTE = env.integer("TOKEN_FAILURES_PER_MINUTE", 20, at_least=1)  # different wrong ones, an address
HISTORY_DAYS = env.integer("HISTORY_DAYS", 90, at_least=2)  # how long ended notices and firings are kept
FILE_UPLOAD_HANDLERS = ["executions.envios.UmSoArquivo"]

# Whoever scrapes /metrics without a user of ours: a secret of its own. Without it, a token or a session.
METRICS_TOKEN = env.text("METRICS_TOKEN")

# ---- notices: e-mail by these, everything else by its own address ------------------------------------------------
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
EMAIL_PORT = env.integer("EMAIL_PORT", 25, at_least=1)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL", False)
if EMAIL_USE_TLS and EMAIL_USE_SSL:
    raise ImproperlyConfigured("EMAIL_USE_TLS and EMAIL_USE_SSL exclude each other.")
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", EMAIL_HOST_USER or "controle-de-robos@localhost")
NOTICE_TIMEOUT_SECONDS = env.number("NOTICE_TIMEOUT_SECONDS", 30, at_least=1)  # a sender's own, of 60 s of lease
EMAIL_TIMEOUT = NOTICE_TIMEOUT_SECONDS

# ---- robots -----------------------------------------------------------------------------------------------------
ROBOT_HOST = env.name("ROBOT_HOST", socket.gethostname())
ROBOT_RUN_DIR = VAR_DIR / "run" / ROBOT_HOST
# Chromium's sockets live below here, and a socket's path holds 107 bytes: a short folder, one a run folder.
_SHORT_NAME = hashlib.sha256(str(ROBOT_RUN_DIR).encode()).hexdigest()[:8]
ROBOT_TMP_DIR = Path(env.text("ROBOT_TMP_DIR", tempfile.gettempdir())) / f"robos-{_SHORT_NAME}"
HOST_MAX_ROBOTS = env.integer("HOST_MAX_ROBOTS", 0, at_least=0)  # 0: min(2 × cores, free memory / 400 MB)
HOST_SCRIPT_PLACES = env.integer("HOST_SCRIPT_PLACES", 2, at_least=0)
EXECUCOES_SIMULTANEAS = env.integer("EXECUCOES_SIMULTANEAS", 1, at_least=1)
REAPROVEITAR_DIAS = env.integer("REAPROVEITAR_DIAS", 7, at_least=0)
IDENTIFICADOR_PADRAO = env.pattern("IDENTIFICADOR_PADRAO", r"_(\d{3,6})_(\d{4,6})_")
SCRIPTS_DIR = Path(env.text("SCRIPTS_DIR", str(VAR_DIR / "scripts")))
SCRIPTS_DIR.mkdir(parents=True, exist_ok=True)
CHROMIUM = env.text("CHROMIUM")
CHROMEDRIVER = env.text("CHROMEDRIVER")
SELENIUM_REMOTE_URL = env.text("SELENIUM_REMOTE_URL")
ROBOS = {"peticoes": "workers.robots.peticoes.VerificadorPeticoes"}
PORTAIS = {"projudi": "workers.portals.projudi.Projudi"}

# Times in seconds. TIME_DIVISOR speeds all of them up for tests, keeping their proportions.
TIME_DIVISOR = env.number("TIME_DIVISOR", 1, at_least=1)


def _seconds(name: str, default: float) -> float:
    return env.number(name, default, at_least=0.1) / TIME_DIVISOR


POLL_SHARED_SECONDS = _seconds("POLL_SHARED_SECONDS", 1)  # for so long polls of the home page share one look
SCHEDULER_TICK_SECONDS = _seconds("SCHEDULER_TICK_SECONDS", 8)
WATCHDOG_TICK_SECONDS = _seconds("WATCHDOG_TICK_SECONDS", 10)
HEARTBEAT_SECONDS = _seconds("HEARTBEAT_SECONDS", 10)
LEASE_SECONDS = _seconds("LEASE_SECONDS", 60)
SELF_ABORT_SECONDS = _seconds("SELF_ABORT_SECONDS", 45)
STALE_HEARTBEAT_SECONDS = _seconds("STALE_HEARTBEAT_SECONDS", 60)
NO_PROGRESS_SECONDS = _seconds("NO_PROGRESS_SECONDS", 100)  # 10 heartbeats, the flow document's figure
ITEM_DEADLINE_SECONDS = _seconds("ITEM_DEADLINE_SECONDS", 900)
SILENCE_SECONDS = _seconds("SILENCE_SECONDS", 900)
SENT_TIMEOUT_SECONDS = _seconds("SENT_TIMEOUT_SECONDS", 60)
DEAD_GRACE_SECONDS = _seconds("DEAD_GRACE_SECONDS", 12)  # a supervisor's head start over its host's watchdog
CANCEL_GRACE_SECONDS = _seconds("CANCEL_GRACE_SECONDS", 10)
STOP_GRACE_SECONDS = _seconds("STOP_GRACE_SECONDS", 20)
CANARY_SECONDS = _seconds("CANARY_SECONDS", 30)
CANARY_LIMIT_SECONDS = _seconds("CANARY_LIMIT_SECONDS", 90)
JANITOR_SECONDS = _seconds("JANITOR_SECONDS", 60)
WATCH_SECONDS = _seconds("WATCH_SECONDS", 10)  # how long a robot shows its screen after a page last asked
RETRY_BASE_SECONDS = _seconds("RETRY_BASE_SECONDS", 10)
PROBE_SECONDS = _seconds("PROBE_SECONDS", 60)
BLOCKED_SECONDS = _seconds("BLOCKED_SECONDS", 300)
CREDENTIAL_FRESH_SECONDS = _seconds("CREDENTIAL_FRESH_SECONDS", 3600)
CONFERENCIA_SECONDS = _seconds("CONFERENCIA_SECONDS", 3600)  # how long what was checked waits to be started
CLOCK_SKEW_SECONDS = 5.0
if not LEASE_SECONDS > SELF_ABORT_SECONDS > 2 * HEARTBEAT_SECONDS:
    raise ImproperlyConfigured("LEASE_SECONDS > SELF_ABORT_SECONDS > 2 × HEARTBEAT_SECONDS must hold.")

# Browser limits, each inside the next: script < page < command < no progress < item.
SCRIPT_TIMEOUT_SECONDS = env.number("SCRIPT_TIMEOUT_SECONDS", 10, at_least=1)
PAGE_TIMEOUT_SECONDS = env.number("PAGE_TIMEOUT_SECONDS", 20, at_least=1)
COMMAND_TIMEOUT_SECONDS = env.number("COMMAND_TIMEOUT_SECONDS", 40, at_least=2)
RECYCLE_ITEMS = env.integer("RECYCLE_ITEMS", 200, at_least=1)
RECYCLE_MEMORY_MB = env.integer("RECYCLE_MEMORY_MB", 800, at_least=200)

# ---- django-q2: one queue a host; docs/architecture.md says why each value ------------------------------
Q_CLUSTER: dict[str, Any] = {
    "name": "controle-de-robos",
    "orm": "default",
    "workers": 1,
    "timeout": 120,
    "retry": 180,
    "queue_limit": 1,
    "bulk": 1,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "guard_cycle": 0.5,
    "poll": env.number("QUEUE_POLL_SECONDS", 0.2, at_least=0.01),
    "save_limit": 20,
    "scheduler": False,
    "label": "Fila",
    "ALT_CLUSTERS": {f"robos-{ROBOT_HOST}": {"workers": env.integer("Q_WORKERS", 4, at_least=1)}},
}
