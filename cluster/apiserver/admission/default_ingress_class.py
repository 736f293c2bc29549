"""DefaultIngressClass: an Ingress that names no class gets the default one, if there is one."""

from __future__ import annotations

from cluster.apiserver.admission.default_storage_class import newest_default
from cluster.apiserver.resources import INGRESS_CLASSES
from cluster.apiserver.strategy import Context
from cluster.machinery.meta import Object, annotations_of

LEGACY = "kubernetes.io/ingress.class"
DEFAULT = ("ingressclass.kubernetes.io/is-default-class",)


def admit(ctx: Context, new: Object | None, old: Object | None) -> None:
    if new is None or old is not None:
        return
    if new["spec"].get("ingressClassName") is not None or LEGACY in annotations_of(new):
        return
    found = newest_default(ctx.lookup.policies.list(INGRESS_CLASSES), DEFAULT)
    if found:
        new["spec"]["ingressClassName"] = found
