"""url("https://...") and its parts."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from cluster.apiserver.cel.library.signature import BOOL, DYN, MAP, STRING, Signature, total

MARK = "$url"


def _split(text: str) -> SplitResult | None:
    """Models url.ParseRequestURI: absolute, or a path from the root."""
    try:
        found = urlsplit(text)
        _ = found.port
    except ValueError:
        return None
    if any(c in text for c in " \t\n") or not (found.scheme or text.startswith("/")):
        return None
    return found


def _make(text: str) -> dict[str, str]:
    if _split(text) is None:
        raise ValueError(f'URL parse error during conversion from string: parse "{text}"')
    return {MARK: text}


def _of(found: dict[str, str]) -> SplitResult:
    return urlsplit(found[MARK])


def _host(found: Any) -> str:
    return _of(found).netloc.rpartition("@")[2]


def _hostname(found: Any) -> str:
    host = _host(found)
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _port(found: Any) -> str:
    port = _of(found).port
    return "" if port is None else str(port)


SIGNATURES = (
    total("url", (STRING,), DYN, _make),
    total("isURL", (STRING,), BOOL, lambda text: _split(text) is not None),
    Signature("getScheme", (DYN,), STRING, lambda found: _of(found).scheme),
    Signature("getHost", (DYN,), STRING, _host),
    Signature("getHostname", (DYN,), STRING, _hostname),
    Signature("getPort", (DYN,), STRING, _port),
    Signature("getEscapedPath", (DYN,), STRING, lambda found: _of(found).path),
    Signature("getQuery", (DYN,), MAP, lambda found: parse_qs(_of(found).query, True)),
)
