"""Reading the store's rows for the admin: keys to resources and back, filters, search.

Rows are only ever read here; see cluster.admin for how objects are written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import BinaryField, F, Func, IntegerField, Model, QuerySet, Value
from django.http import HttpRequest

from cluster.client import Resource, kinds
from dashboard.models import ClusterObject, LoggedChange

Rows = QuerySet[Any]
_BY_PREFIX: dict[bytes, Resource] = {r.prefix: r for r in kinds.RESOURCES.values()}


def place(key: bytes) -> tuple[Resource | None, str, str]:
    """(resource, namespace, name) of a stored key; no resource for a foreign key."""
    for prefix, resource in _BY_PREFIX.items():
        if key.startswith(prefix):
            rest = key[len(prefix) :].decode(errors="replace")
            namespace, _, name = rest.partition("/") if resource.namespaced else ("", "", rest)
            return resource, namespace, name
    return None, "", key.decode(errors="replace")


def path_of(key: bytes) -> str:
    """The object's id in admin URLs: `pods/default/web`, `nodes/-/minikube`."""
    resource, namespace, name = place(key)
    return f"{resource.id}/{namespace or '-'}/{name}" if resource else ""


def key_of_path(path: str) -> bytes | None:
    resource_id, _, rest = path.partition("/")
    namespace, _, name = rest.partition("/")
    resource = kinds.RESOURCES.get(resource_id)
    if resource is None or not name:
        return None
    return resource.key("" if namespace == "-" else namespace, name)


def between(rows: Rows, prefix: bytes) -> Rows:
    """Rows whose key starts with `prefix`; a range, so that the index serves it."""
    return rows.filter(key__gte=prefix, key__lt=prefix[:-1] + bytes([prefix[-1] + 1]))


class Position(Func):
    """Where bytes occur in a key; 0 for nowhere."""

    function = "INSTR"
    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        key, needle = self.get_source_expressions()
        flipped = Func(needle, key, function="POSITION", arg_joiner=" IN ")
        return flipped.as_sql(compiler, connection, **context)


def containing(rows: Rows, text: str) -> Rows:
    needle = Value(text.encode(), output_field=BinaryField())
    return rows.annotate(found=Position(F("key"), needle)).filter(found__gt=0)


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return sorted((r.id, r.kind) for r in kinds.RESOURCES.values())

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        resource = kinds.RESOURCES.get(self.value() or "")
        return between(queryset, resource.prefix) if resource else queryset


class NamespaceFilter(admin.SimpleListFilter):
    title = "namespace"
    parameter_name = "namespace"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        found = between(ClusterObject.objects.all(), kinds.NAMESPACES.prefix)
        names = [place(bytes(key))[2] for key in found.values_list("key", flat=True)]
        return [(name, name) for name in sorted(names)]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        namespace = self.value()
        return containing(queryset, f"/{namespace}/") if namespace else queryset


class PlaceColumns:
    """Columns that both lists have, from the stored key."""

    @admin.display(description="kind")
    def kind_column(self, row: ClusterObject | LoggedChange) -> str:
        resource = place(bytes(row.key))[0]
        return resource.kind if resource else "?"

    @admin.display(description="namespace")
    def namespace_column(self, row: ClusterObject | LoggedChange) -> str:
        return place(bytes(row.key))[1]

    @admin.display(description="name", ordering="key")
    def name_column(self, row: ClusterObject | LoggedChange) -> str:
        return place(bytes(row.key))[2]

    def get_search_results(
        self, request: HttpRequest, queryset: Rows, search_term: str
    ) -> tuple[Rows, bool]:
        for word in search_term.split():
            queryset = containing(queryset, word)
        return queryset, False


def rows_of(model: type[Model], key: bytes) -> Rows:
    return model._default_manager.filter(key=key)
