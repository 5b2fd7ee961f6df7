"""Django's view of the workspace. Nothing else reads this module; the settings are in :mod:`broadsheet.conf`."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from broadsheet import conf
from broadsheet.errors import BroadsheetError
from broadsheet.workspace import Workspace, find_root

WORKSPACE = Workspace(find_root())

SECRET_KEY = WORKSPACE.secret_key()
DEBUG = False
ALLOWED_HOSTS = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    urlsplit(WORKSPACE.config.public.url).hostname or "localhost",
    *WORKSPACE.config.public.allowed_hosts,
]

INSTALLED_APPS = [
    "broadsheet.apps.BroadsheetConfig",
    "anymail",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
MIDDLEWARE = [
    "broadsheet.web.proxies.believe_proxies",
    "broadsheet.web.headers.strict_headers",
    "broadsheet.web.health.health",
    "broadsheet.web.languages.in_their_language",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "broadsheet.web.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"coded": "broadsheet.web.console.coded", "named": "broadsheet.web.named"},
        },
    }
]

# Staff sign in under /console/ only, so subscribers' pages never meet a cookie.
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
_SECURE = WORKSPACE.config.public.url.startswith("https:")
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/console/"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no cookie of its own, for / at that
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "account_login", "console-today", "account_login"
ACCOUNT_ADAPTER = "broadsheet.web.console.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
SOCIALACCOUNT_ADAPTER = "broadsheet.web.console.oidc.SingleSignOn"
MFA_ADAPTER = "broadsheet.web.console.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = WORKSPACE.config.site.name

# Tries to sign in are counted here, for all processes and machines together.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "broadsheet_cache",
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    }
}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
#: what the subscribers' pages and mails are written in, each by its own name
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español"), ("fr", "Français")]
FORMAT_MODULE_PATH = ["broadsheet.web.formats"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECURE_REFERRER_POLICY = "no-referrer"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 365 * 24 * 3600  # over HTTPS only


def _database(address: str | None) -> dict[str, object]:
    return _sqlite() if address is None else _postgresql(address)


def _sqlite() -> dict[str, object]:
    WORKSPACE.state.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": WORKSPACE.state / "broadsheet.sqlite3",
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",  # a writer waits at BEGIN instead of failing at its first write
            # 64 MB of pages: a freeze of a million readers touches three indexes, an audience two
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;",
        },
    }


#: A server whose machine or network is gone answers nothing: found out after 10 s, by these probes of TCP.
_PROBES = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
#: Compiling a query for a million people takes longer than answering it: half a second of each segment with five rules.
_PLANS = {"options": "-c jit=off"}


def _postgresql(address: str) -> dict[str, object]:
    """The connection and its pool. What libpq knows may stand in the address: several hosts, ``?sslmode=…``."""
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise BroadsheetError("BROADSHEET_DATABASE needs psycopg: pip install 'broadsheet[postgres]'.") from error
    try:
        known = {key: str(value) for key, value in conninfo_to_dict(address).items()}
    except ProgrammingError:  # its words hold the address, and that the password
        known = {}
    name = known.pop("dbname", "")
    if not address.startswith(("postgresql://", "postgres://")) or not name:
        raise BroadsheetError(
            "BROADSHEET_DATABASE is not the address of a PostgreSQL database; write "
            "postgresql://user:password@host:5432/name (a special character in the password as %40 and the like)."
        ) from None
    login = {key.upper(): known.pop(key, "") for key in ("host", "port", "user", "password")}
    pool = {
        "min_size": 0,
        "max_size": _pool_size(conf.from_environment("BROADSHEET_DATABASE_POOL")),
        "timeout": 5,  # seconds that a thread waits for a connection
        "reconnect_timeout": 10,  # seconds after which a try to connect is given up, and the next begins at once
        "reset": _forget_temporary_tables,
    }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        **login,
        "OPTIONS": {"application_name": "broadsheet", **_PROBES, **_PLANS, **known, "pool": pool},
        "CONN_HEALTH_CHECKS": True,  # the pool hands out no connection that a restart of the server has ended
    }


def _pool_size(given: str | None) -> int:
    if given is None:
        return 10
    if not given.isdecimal() or not 2 <= int(given) <= 1000:
        raise BroadsheetError("BROADSHEET_DATABASE_POOL must be a whole number from 2 to 1000.")
    return int(given)


def _forget_temporary_tables(connection: Any) -> None:
    """What the last user of a pooled connection left on it goes: tables of plans live as long as the session."""
    connection.autocommit = True
    connection.execute("DISCARD TEMP")


DATABASES = {"default": _database(conf.from_environment("BROADSHEET_DATABASE"))}
LOGGING_CONFIG = None
