"""Django's admin over cluster objects: lists read the store's rows, writes go through the API.

An object is edited as YAML. The API server's causes come back at the field; nothing is saved by
Django itself.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from cluster.client import Client
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object, deep_copy
from dashboard import documents, editing
from dashboard.access import client_for
from dashboard.adminlists import (
    KindFilter,
    NamespaceFilter,
    PlaceColumns,
    Rows,
    key_of_path,
    path_of,
    place,
    rows_of,
)
from dashboard.documents import BadDocument, Document
from dashboard.models import ClusterObject, LoggedChange

EXAMPLE = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: greeting
  namespace: default
data:
  text: hello
"""


class YamlObjectForm(forms.ModelForm):
    """One object as YAML; validated by a dry run of what saving will do."""

    text = forms.CharField(
        label="Object",
        strip=False,
        widget=forms.Textarea(attrs={"class": "yaml", "rows": 30, "cols": 110}),
        show_hidden_initial=True,
    )
    client: Client  # given by ObjectAdmin.get_form

    class Meta:
        model = ClusterObject
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].initial = EXAMPLE
        if self.instance.pk:
            self.fields["text"].initial = documents.write(_load(self.client, self.instance))

    def clean_text(self) -> Document:
        text = self.cleaned_data["text"]
        try:
            found = documents.read(text)
        except BadDocument as error:
            raise forms.ValidationError(str(error)) from error
        if len(found) != 1:
            raise forms.ValidationError(f"This editor takes one object, not {len(found)}.")
        document: Document = found[0]
        if self.instance.pk and _path(document) != path_of(bytes(self.instance.key)):
            raise forms.ValidationError("Kind, namespace and name cannot be changed.")
        try:
            self.write(document, dry_run=True)
        except StatusError as error:
            raise forms.ValidationError(_causes(error)) from error
        return document

    def write(self, document: Document, dry_run: bool = False) -> Object:
        """Create or replace through the API. Raises StatusError."""
        obj = deep_copy(document.obj)
        if not self.instance.pk:
            return self.client.do_create(obj, dry_run=dry_run)
        before = self._before()
        return editing.save(self.client, document.resource, before, obj, dry_run)

    def _before(self) -> Object:
        """The object as the person was given it."""
        given = self.data.get(self.add_initial_prefix("text"))
        if given:
            try:
                return documents.read(given)[0].obj
            except BadDocument:
                pass  # not what we gave: then what there is now
        return _load(self.client, self.instance)


def _causes(error: StatusError) -> list[str]:
    causes = (error.details or {}).get("causes") or ()
    return [f"{c.get('field')}: {c.get('message')}" for c in causes] or [error.message]


def _path(document: Document) -> str:
    resource, meta = document.resource, document.obj["metadata"]
    namespace = (meta.get("namespace") or "default") if resource.namespaced else "-"
    if resource.namespaced:
        meta["namespace"] = namespace
    return f"{resource.id}/{namespace}/{meta.get('name', '')}"


def _load(client: Client, row: ClusterObject) -> Object:
    resource, namespace, name = place(bytes(row.key))
    if resource is None:
        return {"value": "a foreign key: etcd clients put it here"}
    return client.get(resource, namespace, name)


class _ObjectList(ChangeList):
    def url_for_result(self, result: Any) -> str:
        return reverse(
            "admin:dashboard_clusterobject_change", args=(quote(path_of(bytes(result.key))),)
        )


@admin.register(ClusterObject)
class ObjectAdmin(PlaceColumns, admin.ModelAdmin):
    form = YamlObjectForm
    list_display = ("name_column", "kind_column", "namespace_column", "mod_revision", "version")
    list_filter = (KindFilter, NamespaceFilter)
    search_fields = ("key",)
    search_help_text = "Part of a name or namespace"
    ordering = ("key",)
    list_per_page = 100
    show_full_result_count = False

    class Media:
        css = {"all": ("dashboard/css/tokens.css", "dashboard/css/editor.css")}
        js = (forms.Script("dashboard/js/admin-editor.js", type="module"),)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _ObjectList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        key = key_of_path(unquote(object_id))
        return rows_of(ClusterObject, key).first() if key else None

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.client = client_for(request.user, "admin")
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        document = form.cleaned_data["text"]
        try:
            made = form.write(document)
        except StatusError as error:  # somebody was faster than between dry run and write
            request.refused = error.message  # type: ignore[attr-defined]
            obj.key = key_of_path(_path(document)) or b""
            return
        meta = made["metadata"]
        obj.key = document.resource.key(meta.get("namespace", ""), meta["name"])
        obj.pk = rows_of(ClusterObject, obj.key).values_list("pk", flat=True).first() or 0

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """There is nothing beside the object itself."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The revision log has it, with who did it."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """As above."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """As above."""

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._answer(request, obj, "created")

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self._answer(request, obj, "changed")

    def _answer(self, request: HttpRequest, obj: Any, what: str) -> HttpResponse:
        refused = getattr(request, "refused", "")
        if refused:
            self.message_user(request, refused, messages.ERROR)
        else:
            self.message_user(request, f"{path_of(bytes(obj.key))} {what}", messages.SUCCESS)
        if "_continue" in request.POST or refused:
            path = quote(path_of(bytes(obj.key)))
            return HttpResponseRedirect(
                reverse("admin:dashboard_clusterobject_change", args=(path,))
            )
        return HttpResponseRedirect(reverse("admin:dashboard_clusterobject_changelist"))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        resource, namespace, name = place(bytes(obj.key))
        if resource is None:
            return
        try:
            client_for(request.user, "admin").do_delete(resource, namespace, name)
        except StatusError as error:
            if error.code != 404:
                self.message_user(request, error.message, messages.ERROR)

    def delete_queryset(self, request: HttpRequest, queryset: Rows) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """An object's history is its revisions."""
        key = key_of_path(unquote(object_id)) or b""
        url = reverse("admin:dashboard_loggedchange_changelist")
        return HttpResponseRedirect(f"{url}?q={quote(key.decode())}")


@admin.register(LoggedChange)
class ChangeAdmin(PlaceColumns, admin.ModelAdmin):
    """The log, newest first. Read-only."""

    list_display = (
        "revision", "what_column", "kind_column", "namespace_column", "name_column",
        "component", "reconcile", "cause",
    )  # fmt: skip
    list_filter = (KindFilter, "component")
    search_fields = ("key",)
    ordering = ("-revision", "-sub")
    list_per_page = 100
    show_full_result_count = False
    fields = ("revision", "what_column", "component", "reconcile", "cause", "body")
    readonly_fields = ("what_column", "body")

    @admin.display(description="what")
    def what_column(self, row: LoggedChange) -> str:
        if row.value is None:
            return "deleted"
        return "created" if row.version == 1 else "changed"

    @admin.display(description="object")
    def body(self, row: LoggedChange) -> str:
        if row.value is None:
            return "—"
        resource = place(bytes(row.key))[0]
        if resource is not None and resource.kind == "Secret":
            return "a Secret's values are not shown"
        return bytes(row.value).decode(errors="replace")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
