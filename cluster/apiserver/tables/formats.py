"""How cells are written: ages, lists, ports. Models k8s.io/apimachinery/pkg/util/duration."""

from __future__ import annotations

from collections.abc import Iterable

from cluster.machinery.clock import parse_time
from cluster.machinery.meta import Object

NONE, UNKNOWN, UNSET = "<none>", "<unknown>", "<unset>"


def human_duration(seconds: float) -> str:
    """HumanDuration: 90s, 2m30s, 25h, 3d4h..."""
    total = int(seconds)
    if total < -1:
        return "<invalid>"
    if total < 0:
        return "0s"
    if total < 120:
        return f"{total}s"
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if minutes < 10:
        rest = total % 60
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        rest = minutes % 60
        return f"{hours}h{rest}m" if rest else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        rest = hours % 24
        return f"{days}d{rest}h" if rest else f"{days}d"
    if days < 730:
        return f"{days}d"
    if days < 365 * 8:
        rest = days % 365
        return f"{days // 365}y{rest}d" if rest else f"{days // 365}y"
    return f"{days // 365}y"


def since(stamp: str | None, now: float) -> str:
    return human_duration(now - parse_time(stamp)) if stamp else UNKNOWN


def age(obj: Object, now: float) -> str:
    return since(obj["metadata"].get("creationTimestamp"), now)


def joined(items: Iterable[str], limit: int | None = None) -> str:
    """Comma-separated; beyond `limit` it says how many more."""
    found = list(items)
    if not found:
        return NONE
    if limit is not None and len(found) > limit:
        return f"{','.join(found[:limit])} + {len(found) - limit} more..."
    return ",".join(found)


def pairs(labels: dict[str, str] | None) -> str:
    return joined(f"{k}={v}" for k, v in sorted((labels or {}).items()))


def label_selector(selector: Object | None) -> str:
    """A LabelSelector as metav1.FormatLabelSelector writes it."""
    from cluster.apiserver.kinds.workloads import selectors_text

    return selectors_text(selector or {}) or NONE


def containers_and_images(template: Object) -> tuple[str, str]:
    containers = template["spec"]["containers"]
    return joined(c["name"] for c in containers), joined(c.get("image", "") for c in containers)
