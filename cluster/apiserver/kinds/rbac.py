"""Roles and bindings, and that nobody grants what he does not have.

Models pkg/apis/rbac/validation and pkg/registry/rbac/*/policybased.
"""

from __future__ import annotations

from cluster.apiserver.authz.rules import ALL, Rule, quoted, uncovered
from cluster.apiserver.kinds import names
from cluster.apiserver.kinds.base import Kind
from cluster.apiserver.strategy import Context
from cluster.machinery import errors, selectors
from cluster.machinery.errors import Cause, invalid_value, not_supported, required
from cluster.machinery.meta import Object

GROUP = "rbac.authorization.k8s.io"
EVERYTHING = [Rule((ALL,), (ALL,), (ALL,)), Rule((ALL,), urls=(ALL,))]


def _rules(obj: Object) -> list[Rule]:
    return [Rule.of(raw) for raw in obj.get("rules") or ()]


def _check_rules(obj: Object, namespaced: bool) -> list[Cause]:
    causes: list[Cause] = []
    for index, rule in enumerate(obj.get("rules") or ()):
        path = f"rules[{index}]"
        if not rule.get("verbs"):
            causes.append(required(f"{path}.verbs", "verbs must contain at least one value"))
        urls = rule.get("nonResourceURLs")
        if not urls:
            if not rule.get("apiGroups"):
                text = "resource rules must supply at least one api group"
                causes.append(required(f"{path}.apiGroups", text))
            if not rule.get("resources"):
                text = "resource rules must supply at least one resource"
                causes.append(required(f"{path}.resources", text))
            continue
        if namespaced:
            text = "namespaced rules cannot apply to non-resource URLs"
            causes.append(invalid_value(f"{path}.nonResourceURLs", urls, text))
        if any(rule.get(f) for f in ("apiGroups", "resources", "resourceNames")):
            text = "rules cannot apply to both regular resources and non-resource URLs"
            causes.append(invalid_value(f"{path}.nonResourceURLs", urls, text))
    return causes


def _confirm(ctx: Context, obj: Object, namespace: str, wanted: list[Rule]) -> None:
    """The caller has all that is granted, or it is forbidden. Models ConfirmNoEscalation."""
    op, authorizer = ctx.operation, ctx.operation.authorizer
    if authorizer is None:
        return
    owned, problems = authorizer.rules(op.user, namespace)
    missing = uncovered(owned, wanted)
    if not missing:
        return
    listed = "\n".join(sorted({str(rule) for rule in missing}))
    text = (
        f'user "{op.user.name}" (groups={quoted(op.user.groups)}) is attempting to grant RBAC '
        f"permissions not currently held:\n{listed}"
    )
    if problems:
        text += f"; resolution errors: [{', '.join(problems)}]"
    raise errors.forbidden(op.resource.plural, GROUP, obj["metadata"].get("name", ""), text)


def _no_nulls(obj: Object, field: str) -> None:
    """For Go a null in a list of structs is an empty one."""
    found = obj.get(field)
    if found and None in found:
        obj[field] = [{} if item is None else item for item in found]


class Roles(Kind):
    name_rule = staticmethod(names.path_segment)
    namespaced = True

    def default(self, obj: Object) -> None:
        _no_nulls(obj, "rules")
        _no_nulls(obj.get("aggregationRule") or {}, "clusterRoleSelectors")

    def check(self, obj: Object) -> list[Cause]:
        return _check_rules(obj, self.namespaced)

    def create(self, ctx: Context, obj: Object) -> Object:
        out = super().create(ctx, obj)
        self._allowed(ctx, out)
        return out

    def update(self, ctx: Context, new: Object, old: Object) -> Object:
        out = super().update(ctx, new, old)
        same = all(out.get(f) == old.get(f) for f in ("rules", "aggregationRule"))
        if not same:
            self._allowed(ctx, out)
        return out

    def _allowed(self, ctx: Context, obj: Object) -> None:
        op, authorizer = ctx.operation, ctx.operation.authorizer
        name = obj["metadata"].get("name", "")
        if authorizer is None or authorizer.may(
            op.user, "escalate", GROUP, op.resource.plural, op.namespace, name
        ):
            return
        if obj.get("aggregationRule"):
            owned, _ = authorizer.rules(op.user, "")
            if uncovered(owned, EVERYTHING):
                text = "must have cluster-admin privileges to use the aggregationRule"
                raise errors.forbidden(op.resource.plural, GROUP, name, text)
        _confirm(ctx, obj, op.namespace, _rules(obj))


class ClusterRoles(Roles):
    namespaced = False

    def check(self, obj: Object) -> list[Cause]:
        causes = super().check(obj)
        if (aggregation := obj.get("aggregationRule")) is None:
            return causes
        path = "aggregationRule.clusterRoleSelectors"
        found = aggregation.get("clusterRoleSelectors") or []
        if not found:
            text = "at least one clusterRoleSelector required if aggregationRule is non-nil"
            causes.append(required(path, text))
        for index, selector in enumerate(found):
            for key, value in (selector.get("matchLabels") or {}).items():
                where = f"{path}[{index}].matchLabels"
                if not selectors.is_label_key(key):
                    causes.append(invalid_value(where, key, selectors.NAME_FORMAT))
                if not selectors.is_label_value(value):
                    causes.append(invalid_value(where, value, names.LABEL_VALUE_TEXT))
        return causes


class RoleBindings(Kind):
    name_rule = staticmethod(names.path_segment)
    namespaced = True

    def default(self, obj: Object) -> None:
        ref = obj.setdefault("roleRef", {})
        if not ref.get("apiGroup"):
            ref["apiGroup"] = GROUP
        _no_nulls(obj, "subjects")
        for subject in obj.get("subjects") or ():
            if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup"):
                subject["apiGroup"] = GROUP

    def check(self, obj: Object) -> list[Cause]:
        ref = obj["roleRef"]
        causes: list[Cause] = []
        if ref.get("apiGroup") != GROUP:
            causes.append(not_supported("roleRef.apiGroup", ref.get("apiGroup", ""), (GROUP,)))
        allowed = ("ClusterRole", "Role") if self.namespaced else ("ClusterRole",)
        if ref.get("kind") not in allowed:
            causes.append(not_supported("roleRef.kind", ref.get("kind", ""), allowed))
        if not ref.get("name"):
            causes.append(required("roleRef.name"))
        for text in names.path_segment(ref.get("name", "")):
            causes.append(invalid_value("roleRef.name", ref["name"], text))
        for index, subject in enumerate(obj.get("subjects") or ()):
            causes += self._subject(subject, f"subjects[{index}]")
        return causes

    def _subject(self, subject: Object, path: str) -> list[Cause]:
        causes: list[Cause] = []
        kind, name, group = (subject.get(f) or "" for f in ("kind", "name", "apiGroup"))
        if not name:
            causes.append(required(f"{path}.name"))
        if kind == "ServiceAccount":
            texts = names.subdomain(name) if name else []
            causes += [invalid_value(f"{path}.name", name, text) for text in texts]
            if group:
                causes.append(not_supported(f"{path}.apiGroup", group, ("",)))
            if not subject.get("namespace") and not self.namespaced:
                causes.append(required(f"{path}.namespace"))
        elif kind in ("User", "Group"):
            if group != GROUP:
                causes.append(not_supported(f"{path}.apiGroup", group, (GROUP,)))
        else:
            kinds = ("Group", "ServiceAccount", "User")
            causes.append(not_supported(f"{path}.kind", kind, kinds))
        return causes

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        causes = self.check(new)
        if new["roleRef"] != old.get("roleRef"):
            text = "cannot change roleRef"
            causes.append(invalid_value("roleRef", new["roleRef"], text))
        return causes

    def create(self, ctx: Context, obj: Object) -> Object:
        out = super().create(ctx, obj)
        self._allowed(ctx, out)
        return out

    def update(self, ctx: Context, new: Object, old: Object) -> Object:
        out = super().update(ctx, new, old)
        if any(out.get(f) != old.get(f) for f in ("roleRef", "subjects")):
            self._allowed(ctx, out)
        return out

    def _allowed(self, ctx: Context, obj: Object) -> None:
        """Who may bind the role may; everybody else must hold what it grants."""
        op, authorizer = ctx.operation, ctx.operation.authorizer
        if authorizer is None:
            return
        ref = obj["roleRef"]
        plural = "roles" if ref["kind"] == "Role" else "clusterroles"
        if authorizer.may(op.user, "bind", GROUP, plural, op.namespace, ref["name"]):
            return
        wanted = authorizer.role_rules(ref["kind"], op.namespace, ref["name"])
        _confirm(ctx, obj, op.namespace, wanted)


class ClusterRoleBindings(RoleBindings):
    namespaced = False
