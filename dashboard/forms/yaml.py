"""Any objects, as YAML documents."""

from __future__ import annotations

from django import forms

from cluster.client import Client
from cluster.machinery.errors import StatusError
from cluster.machinery.meta import Object
from dashboard.documents import BadDocument, Document, read
from dashboard.forms.base import ObjectForm, label

EXAMPLE = """\
apiVersion: v1
kind: Pod
metadata:
  name: hello
spec:
  containers:
  - name: web
    image: nginx:1.27
"""


class YamlForm(ObjectForm):
    title = "YAML"
    lead = "Anything the API serves. Several documents are separated by “---”."

    text = forms.CharField(
        label="Objects",
        initial=EXAMPLE,
        strip=False,
        widget=forms.Textarea(attrs={"class": "yaml", "rows": 18, "spellcheck": "false"}),
    )
    replace = forms.BooleanField(
        required=False, label="Replace objects that exist", help_text="As kubectl replace."
    )
    field_order = ["text", "namespace", "replace"]

    def clean_text(self) -> list[Document]:
        try:
            found = read(self.cleaned_data["text"])
        except BadDocument as error:
            raise forms.ValidationError(str(error)) from error
        if not found:
            raise forms.ValidationError("There is no object in this text.")
        return found

    def submit(self, client: Client) -> str:
        """One line an object. When one is refused, those before it stay, as with kubectl."""
        said: list[str] = []
        for document in self.cleaned_data["text"]:
            try:
                said.append(self._submit(client, document))
            except StatusError as error:
                where = f"line {document.line}: "
                before = "".join(f"{line}\n" for line in said)
                raise StatusError(
                    error.code, error.reason, before + where + error.message, None
                ) from error
        return "\n".join(said)

    def _submit(self, client: Client, document: Document) -> str:
        obj, resource = document.obj, document.resource
        if resource.namespaced:
            obj["metadata"].setdefault("namespace", self.cleaned_data["namespace"])
        try:
            return f"{label(client.do_create(obj))} created"
        except StatusError as error:
            if error.reason != "AlreadyExists" or not self.cleaned_data["replace"]:
                raise
        meta = obj["metadata"]
        now = client.get(resource, meta.get("namespace", ""), meta["name"])
        return f"{label(client.do_update(_over(now, obj)))} replaced"


def _over(now: Object, wanted: Object) -> Object:
    """The wanted object at the place of the present one."""
    version = wanted["metadata"].get("resourceVersion") or now["metadata"]["resourceVersion"]
    return {**wanted, "metadata": {**wanted["metadata"], "resourceVersion": version}}
