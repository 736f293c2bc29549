"""KubeSchedulerConfiguration: which plugins run where, with what weight and arguments.

Models pkg/scheduler/apis/config (defaults, merging, validation).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

GROUP = "kubescheduler.config.k8s.io/v1"
POINTS = (
    "preEnqueue", "queueSort", "preFilter", "filter", "postFilter", "preScore", "score",
    "reserve", "permit", "preBind", "bind", "postBind",
)  # fmt: skip
MAX_WEIGHT = 2**63 // 100 - 1


class ConfigError(ValueError):
    """The configuration is not valid; the message says where."""


@dataclass(frozen=True, slots=True)
class Enabled:
    name: str
    weight: int = 0  # 0: the default, 1


@dataclass(frozen=True, slots=True)
class PluginSet:
    """Of one extension point, or (multiPoint) of all a plugin fills."""

    enabled: tuple[Enabled, ...] = ()
    disabled: frozenset[str] = frozenset()

    def disables(self, name: str) -> bool:
        return name in self.disabled or "*" in self.disabled


@dataclass(slots=True)
class ProfileConfig:
    name: str
    plugins: tuple[Enabled, ...]  # multiPoint, merged with the defaults
    points: dict[str, PluginSet] = field(default_factory=dict)
    args: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    percentage: int = 100

    def at(self, point: str, fills: Iterable[str]) -> list[Enabled]:
        """The plugins of one extension point in order; `fills` are those that implement it."""
        filling = frozenset(fills)
        own = self.points.get(point, PluginSet())
        given = {e.name: e for e in own.enabled}
        for name in given:
            if name not in filling:
                raise ConfigError(f"plugin {name!r} does not extend {point} plugin")
        out = []
        for plugin in self.plugins:
            if plugin.name in given:
                out.append(given.pop(plugin.name))
            elif plugin.name in filling and not own.disables(plugin.name):
                out.append(plugin)
        return out + list(given.values())

    def names(self) -> list[str]:
        """Every plugin that runs anywhere."""
        listed = [e.name for e in self.plugins]
        listed += [e.name for point in self.points.values() for e in point.enabled]
        return list(dict.fromkeys(listed))


@dataclass(slots=True)
class SchedulerConfig:
    profiles: list[ProfileConfig]
    initial_backoff: float
    max_backoff: float


@cache
def _defaults() -> Mapping[str, Any]:
    path = Path(__file__).with_name("data") / "defaults.yaml"
    loaded: Mapping[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def load(raw: Mapping[str, Any] | None) -> SchedulerConfig:
    raw = raw or {}
    if raw.get("apiVersion", GROUP) != GROUP or raw.get("kind", "") not in (
        "",
        "KubeSchedulerConfiguration",
    ):
        raise ConfigError(
            f'no kind "{raw.get("kind")}" is registered for version "{raw.get("apiVersion")}"'
        )
    defaults = _defaults()
    percentage = raw.get("percentageOfNodesToScore", defaults["percentageOfNodesToScore"])
    profiles = [
        _profile(entry, index, percentage)
        for index, entry in enumerate(raw.get("profiles") or [{}])
    ]
    names = [p.name for p in profiles]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ConfigError(f'profiles[{index}].schedulerName: Duplicate value: "{name}"')
    return SchedulerConfig(profiles, *_backoffs(raw, defaults))


def _backoffs(raw: Mapping[str, Any], defaults: Mapping[str, Any]) -> tuple[float, float]:
    initial = raw.get("podInitialBackoffSeconds", defaults["podInitialBackoffSeconds"])
    longest = raw.get("podMaxBackoffSeconds", defaults["podMaxBackoffSeconds"])
    if not isinstance(initial, (int, float)) or initial <= 0:
        raise ConfigError(
            f"podInitialBackoffSeconds: Invalid value: {initial}: must be greater than 0"
        )
    if not isinstance(longest, (int, float)) or longest < initial:
        raise ConfigError(
            f"podMaxBackoffSeconds: Invalid value: {longest}: "
            "must be greater than or equal to PodInitialBackoffSeconds"
        )
    return float(initial), float(longest)


def _profile(raw: Mapping[str, Any], index: int, percentage: Any) -> ProfileConfig:
    where = f"profiles[{index}]"
    name = raw.get("schedulerName", "default-scheduler")
    if not name:
        raise ConfigError(f"{where}.schedulerName: Required value")
    share = raw.get("percentageOfNodesToScore", percentage)
    if not isinstance(share, int) or not 0 <= share <= 100:
        raise ConfigError(
            f"{where}.percentageOfNodesToScore: Invalid value: {share}: not in valid range [0-100]"
        )
    plugins = raw.get("plugins") or {}
    for point in plugins:
        if point not in (*POINTS, "multiPoint"):
            raise ConfigError(f'strict decoding error: unknown field "{where}.plugins.{point}"')
    many = _plugin_set(plugins.get("multiPoint"), f"{where}.plugins.multiPoint")
    return ProfileConfig(
        name=name,
        plugins=_merged(many),
        points={p: _plugin_set(plugins.get(p), f"{where}.plugins.{p}") for p in POINTS},
        args=_plugin_args(raw.get("pluginConfig") or (), where),
        percentage=share,
    )


def _plugin_set(raw: Mapping[str, Any] | None, where: str) -> PluginSet:
    raw = raw or {}
    enabled = []
    for index, entry in enumerate(raw.get("enabled") or ()):
        weight = entry.get("weight") or 0
        if not isinstance(weight, int) or not 0 <= weight <= MAX_WEIGHT:
            raise ConfigError(f"{where}.enabled[{index}].weight: Invalid value: {weight}")
        enabled.append(Enabled(entry["name"], weight))
    disabled = frozenset(entry["name"] for entry in raw.get("disabled") or ())
    return PluginSet(tuple(enabled), disabled)


def _merged(custom: PluginSet) -> tuple[Enabled, ...]:
    """The default plugins with those of multiPoint in place of, or after, them."""
    given = {e.name: e for e in custom.enabled}
    out = []
    for raw in _defaults()["plugins"]:
        default = Enabled(raw["name"], raw.get("weight", 0))
        if not custom.disables(default.name):
            out.append(given.pop(default.name, default))
    return (*out, *given.values())


def _plugin_args(raw: Iterable[Mapping[str, Any]], where: str) -> dict[str, Mapping[str, Any]]:
    out: dict[str, Mapping[str, Any]] = {}
    for index, entry in enumerate(raw):
        if entry["name"] in out:
            raise ConfigError(f'{where}.pluginConfig[{index}]: Duplicate value: "{entry["name"]}"')
        out[entry["name"]] = entry.get("args") or {}
    return out
