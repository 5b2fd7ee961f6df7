"""Django's view of the workspace. Nothing else reads this module; the settings are in :mod:`broadsheet.conf`."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from broadsheet import conf
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

INSTALLED_APPS = ["broadsheet.apps.BroadsheetConfig", "anymail"]
MIDDLEWARE = [
    "broadsheet.web.proxies.believe_proxies",
    "broadsheet.web.headers.strict_headers",
    "broadsheet.web.languages.in_their_language",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "broadsheet.web.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "web" / "templates"],
    }
]

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
    if address is None:
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
    parts = urlsplit(address)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }


DATABASES = {"default": _database(conf.from_environment("BROADSHEET_DATABASE"))}
LOGGING_CONFIG = None
