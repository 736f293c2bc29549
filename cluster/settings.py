"""Django settings: embedded defaults under one data folder, everything else by environment."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("ORRERY_DATA", BASE_DIR / "var")).resolve()


def _number(name: str, default: int, highest: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= highest:
        raise ImproperlyConfigured(f"{name}={text} is not a number from 1 to {highest}")
    return int(text)


HOST = os.environ.get("ORRERY_HOST") or "127.0.0.1"
PORT = _number("ORRERY_PORT", 8000, 65535)
DASHBOARD_URL = f"http://localhost:{PORT}"
API_PORT = _number("ORRERY_API_PORT", 6443, 65535)
ETCD_PORT = _number("ORRERY_ETCD_PORT", 2379, 65535)
ETCD_QUOTA = _number("ORRERY_ETCD_QUOTA", 2 << 30, 1 << 50)  # bytes, as --quota-backend-bytes
# History that is kept: revisions, or cluster time such as 24h, or both; 0 keeps all of it.
ETCD_RETENTION = os.environ.get("ORRERY_ETCD_RETENTION") or "100000"
if not re.fullmatch(r"\d+[smhd]?(, *\d+[smhd]?)?", ETCD_RETENTION):
    raise ImproperlyConfigured(
        f"ORRERY_ETCD_RETENTION={ETCD_RETENTION} is neither a number of revisions nor a time "
        "such as 24h, nor both (100000,24h)"
    )
KUBELET_SHARDS = _number("ORRERY_KUBELET_SHARDS", 1, 64)
CLUSTER = os.environ.get("ORRERY_CLUSTER", "main")
CONTROLLERS = os.environ.get("ORRERY_CONTROLLERS") or "*"  # as upstream's --controllers


UNSAFE_KEY = "orrery-development-only"


def _secret_key() -> str:
    """From the environment, or the data folder, where `manage.py up` creates it."""
    if key := os.environ.get("ORRERY_SECRET_KEY"):
        return key
    try:
        return (DATA_DIR / "secret-key").read_text().strip() or UNSAFE_KEY
    except OSError:
        return UNSAFE_KEY  # no data folder yet, or one that `up` will complain about


def _database(url: str | None) -> dict[str, object]:
    """`postgresql://user:password@host:port/name` (a socket's folder as host is percent-encoded),
    or SQLite in the data folder."""
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(DATA_DIR / "orrery.sqlite3"),
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                # Pages of 4 KB; `workers/checkpoints.py` is to come before.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                "PRAGMA wal_autocheckpoint=40000;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ImproperlyConfigured("DATABASE_URL is postgresql://USER:PASSWORD@HOST:PORT/NAME")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or "",
    }


SECRET_KEY = _secret_key()
DEBUG = os.environ.get("ORRERY_DEBUG") == "1"
ALLOWED_HOSTS = os.environ.get("ORRERY_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
DATABASES = {"default": _database(os.environ.get("DATABASE_URL"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "cluster",
    "workers",
    "dashboard",
]
# Processes without a screen load only what they run: it is half of their memory.
if sys.argv[1:2] and sys.argv[1] in ("apiserver", "etcd", "timekeeper", "worker"):
    INSTALLED_APPS = ["cluster", "workers"]
elif sys.argv[1:2] == ["up"]:
    own = ("django.contrib.auth", "django.contrib.contenttypes", "cluster", "workers", "dashboard")
    INSTALLED_APPS = list(own)
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "dashboard.security.SecurityHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "cluster.urls"
ASGI_APPLICATION = "cluster.asgi.application"
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
        },
    }
]
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # straight from the packages: there is no collectstatic step
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LOGIN_URL = "/login/"

REDIS_URL = os.environ.get("REDIS_URL", "")
CHANNEL_LAYERS = (
    {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL.replace("redis+socket://", "unix://")]},
        }
    }
    if REDIS_URL
    else {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": os.environ.get("ORRERY_LOG", "INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
        "asyncio": {"level": "WARNING"},
    },
}
