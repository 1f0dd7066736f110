"""Hark's settings: one file, read from the environment. docs/operations.md has the table of variables."""

from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
import environ
from django.utils.translation import gettext_lazy as _

from config import embedded

django_stubs_ext.monkeypatch()  # lets ModelForm[Customer] stand in the code

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- where things are
HARK_STATE_DIR = Path(env.str("HARK_STATE_DIR", default=str(BASE_DIR / "var")))
HARK_SOCKET_DIR = embedded.socket_dir(HARK_STATE_DIR)
HARK_URL = env.str("HARK_URL", default="http://127.0.0.1:8000").rstrip("/")
HTTPS = HARK_URL.startswith("https://")

SECRET_KEY = env.str("SECRET_KEY", default="") or embedded.secret_key(HARK_STATE_DIR)
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[urlsplit(HARK_URL).hostname, "localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = [HARK_URL]

# --- the order of the house: imports point up this list only (tests/test_architecture.py)
INSTALLED_APPS = [
    "crm",
    "channels_app",
    "cases",
    "surveys",
    "config",
    "channels",
    "csp",
    "django_htmx",
    "django_rq",
    "heroicons",
    "pgtrigger",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]

# The only steps up that order: each is a job, called by name (crm/handoff.py).
HANDOFFS = {
    "message_ready": "cases.jobs.route_message",
    "customer_changed": "cases.jobs.customer_changed",
    "absence_changed": "cases.jobs.keep_absences",
    "hours_changed": "cases.jobs.sweep_promises",
    "case_resolved": "surveys.jobs.case_resolved",
    "customer_settled": "surveys.jobs.customers_changed",
}

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "crm.web.ReaderTimeZoneMiddleware",
    "crm.web.RefusalMiddleware",
]

ROOT_URLCONF = env.str("HARK_URLCONF", default="config.urls")  # `bin/manage bench` adds its floor page
ASGI_APPLICATION = "config.asgi.application"
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
            ],
            "builtins": ["heroicons.templatetags.heroicons", "crm.templatetags.hark"],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "quick",
        "DIRS": [BASE_DIR / "templates" / "quick"],
        "OPTIONS": {"environment": "config.quick.environment"},
    },
]

# --- the servers
DATABASES = {"default": env.db_url_config(env.str("DATABASE_URL", default="") or embedded.database_url(HARK_STATE_DIR))}
DATABASE_IS_EMBEDDED = not env.str("DATABASE_URL", default="")
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASES["default"].setdefault("OPTIONS", {})
if env.bool("HARK_DB_POOL", default=False):  # the web process; CONN_MAX_AGE leaks connections under ASGI
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 2, "max_size": 8, "timeout": 5}

REDIS_URL = env.str("REDIS_URL", default="") or embedded.redis_url(HARK_STATE_DIR)
RQ_QUEUES = {
    "now": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 300},
    "default": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 3600},
}
RQ_SHOW_ADMIN_LINK = False  # templates/admin/index.html links to it, in our words
# longer than a worker may be at one reply: the whole time-out of its job, and the last request it had begun
OUTBOX_LEASE_SECONDS = env.int("OUTBOX_LEASE_SECONDS", default=int(RQ_QUEUES["now"]["DEFAULT_TIMEOUT"]) + 60)
SWEEP_SECONDS = env.int("SWEEP_SECONDS", default=60)
POLL_SECONDS = env.int("POLL_SECONDS", default=1)
NETWORK_SECONDS = env.int("NETWORK_SECONDS", default=5)
POLLS_AT_ONCE = env.int("POLLS_AT_ONCE", default=50)  # channels asked in one second, who waits longest first
UNDO_SECONDS = env.int("UNDO_SECONDS", default=5)  # until a lead sets it on the page of the desk
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # redis-py's default 5 s socket timeout would cut an idle WebSocket
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}], "capacity": 5000},
    }
}

# --- people
AUTH_USER_MODEL = "crm.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

# --- secrets we must read again (crm/sealing.py): the first key seals, each of them opens
SEALING_KEYS = env.list("HARK_SEALING_KEY", default=[]) or [SECRET_KEY]
SEALING_KEY_IS_SET = bool(env.list("HARK_SEALING_KEY", default=[]))  # config/checks.py refuses to start without

# --- other systems: API and webhooks
API_PER_MINUTE = env.int("API_PER_MINUTE", default=600)  # requests of one token
API_BODY_BYTES = 1024 * 1024
ALLOW_LOOPBACK = env.bool("HARK_ALLOW_LOOPBACK", default=DEBUG)  # webhooks to this machine, by plain http: to try them

# --- language, time, numbers
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
# two letters, as in ISO 3166: where a phone number without a country's code is; empty: such a number is refused
HOME_COUNTRY = env.str("HOME_COUNTRY", default="")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- static files: ours from static/, third parties' from their packages
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(HARK_STATE_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": env.str("STATIC_STORAGE", default="config.staticfiles.HashedFiles")},
}

# --- files people bring or take away: never served but through a view that asks who wants them
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(HARK_STATE_DIR / "files")))
MEDIA_URL = "/files/"
ATTACHMENT_BYTES = env.int("ATTACHMENT_BYTES", default=20 * 1024 * 1024)  # of one file
ATTACHMENTS_PER_MESSAGE = env.int("ATTACHMENTS_PER_MESSAGE", default=5)
ATTACHMENT_PIXELS = env.int("ATTACHMENT_PIXELS", default=50_000_000)  # of a picture: what a browser can unpack
FILE_UPLOAD_HANDLERS = [
    "crm.files.uploads.CappedHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
BACKUPS_KEPT_DAYS = env.int("BACKUPS_KEPT_DAYS", default=30)  # what an erasure's receipt says of backups

# --- mail: the console until a server is named
EMAIL_CONFIG = env.email_url_config(env.str("EMAIL_URL", default="consolemail://"))
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="hark@localhost")
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=30)  # seconds; shorter than any lease of who sends
# surveys (docs/inviting.md): whom invitations are from; where answers and what comes back go, and where they are read
SURVEY_FROM = env.str("SURVEY_FROM", default=DEFAULT_FROM_EMAIL)
MAIL_RETURN_TO = env.str("MAIL_RETURN_TO", default="")
MAILBOX_URL = env.str("MAILBOX_URL", default="")  # imaps://user:password@host/INBOX
MAIL_SECONDS = env.int("MAIL_SECONDS", default=30)
POLL_EVERY = {"quick": POLL_SECONDS, "steady": NETWORK_SECONDS, "slow": MAIL_SECONDS}  # base.Pace → seconds
INVITE_SECONDS = env.int("INVITE_SECONDS", default=10)
INVITATION_LEASE_SECONDS = env.int("INVITATION_LEASE_SECONDS", default=600)

# --- what a strict browser wants
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS and env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"()": "config.logs.formatter", "json": env.bool("LOG_JSON", default=False)}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "uvicorn.access": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "rq": {"level": "WARNING"},
    },
}
