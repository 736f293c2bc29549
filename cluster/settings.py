"""Django settings: embedded defaults under one data folder, everything else by environment."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("ORRERY_DATA", BASE_DIR / "var")).resolve()

PORT = int(os.environ.get("ORRERY_PORT", "8000"))
API_PORT = int(os.environ.get("ORRERY_API_PORT", "6443"))
ETCD_PORT = int(os.environ.get("ORRERY_ETCD_PORT", "2379"))
KUBELET_SHARDS = int(os.environ.get("ORRERY_KUBELET_SHARDS", "1"))
CLUSTER = os.environ.get("ORRERY_CLUSTER", "main")


def _secret_key() -> str:
    """From the environment, or the data folder, where `manage.py up` creates it."""
    if key := os.environ.get("ORRERY_SECRET_KEY"):
        return key
    path = DATA_DIR / "secret-key"
    return path.read_text().strip() if path.exists() else "orrery-development-only"


def _database(url: str | None) -> dict[str, object]:
    """`postgresql://user:password@host:port/name`, or SQLite in the data folder."""
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(DATA_DIR / "orrery.sqlite3"),
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    parts = urlsplit(url)
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
    "daphne",
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
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
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
STATIC_ROOT = DATA_DIR / "static"
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
