"""Admission: what may be stored depends on more than the object itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.apiserver.conftest import Answer, Caller

CORE = "/api/v1/namespaces/default"
PODS = f"{CORE}/pods"
MERGE = "application/merge-patch+json"


def pod(name: str = "p", /, container: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    first = {"name": "c", "image": "nginx", **(container or {})}
    return {"metadata": {"name": name}, "spec": {"containers": [first], **spec}}


async def create(api: Caller, where: str, obj: dict[str, Any]) -> Answer:
    answer = await api.ask("POST", where, obj)
    assert answer.status == 201, answer.json
    return answer


async def quota(api: Caller, name: str = "q", scopes: tuple[str, ...] = (), **hard: str) -> None:
    """One whose controller has seen it."""
    amounts = {k.replace("_", "."): v for k, v in hard.items()}
    spec: dict[str, Any] = {"hard": amounts, **({"scopes": list(scopes)} if scopes else {})}
    await create(api, f"{CORE}/resourcequotas", {"metadata": {"name": name}, "spec": spec})
    status = {"status": {"hard": amounts, "used": dict.fromkeys(amounts, "0")}}
    where = f"{CORE}/resourcequotas/{name}/status"
    assert (await api.ask("PATCH", where, status, content_type=MERGE)).status == 200


async def used(api: Caller, name: str = "q") -> dict[str, str]:
    found = (await api.ask("GET", f"{CORE}/resourcequotas/{name}")).json["status"]["used"]
    return dict(found)


# ---- ResourceQuota


async def test_a_quota_is_charged_and_then_refuses(api: Caller) -> None:
    await quota(api, pods="2", requests_cpu="1")
    small = {"resources": {"requests": {"cpu": "300m"}}}
    await create(api, PODS, pod("a", small))
    assert await used(api) == {"pods": "1", "requests.cpu": "300m"}
    refused = await api.ask("POST", PODS, pod("b", {"resources": {"requests": {"cpu": "800m"}}}))
    assert refused.status == 403
    assert refused.json["message"] == (
        'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=800m, '
        "used: requests.cpu=300m, limited: requests.cpu=1"
    )
    await create(api, PODS, pod("c", small))
    refused = await api.ask("POST", PODS, pod("d", small))
    assert (
        "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
        in refused.json["message"]
    )


async def test_concurrent_creations_cannot_pass_a_quota_together(api: Caller) -> None:
    await quota(api, pods="5")
    answers = await asyncio.gather(*(api.ask("POST", PODS, pod(f"p{i}")) for i in range(12)))
    assert sorted(a.status for a in answers) == [201] * 5 + [403] * 7
    assert await used(api) == {"pods": "5"}


async def test_a_dry_run_charges_nothing(api: Caller) -> None:
    await quota(api, pods="1")
    assert (await api.ask("POST", f"{PODS}?dryRun=All", pod("a"))).status == 201
    assert await used(api) == {"pods": "0"}


async def test_a_bounded_container_must_say_what_it_takes(api: Caller) -> None:
    await quota(api, limits_memory="1Gi", requests_cpu="2")
    refused = await api.ask("POST", PODS, pod())
    assert refused.json["message"] == (
        'pods "p" is forbidden: failed quota: q: must specify limits.memory for: c; '
        "requests.cpu for: c"
    )


async def test_scopes_and_other_kinds_are_counted(api: Caller) -> None:
    await quota(api, "best", ("BestEffort",), pods="1")
    await quota(api, "things", **{"configmaps": "1", "count/deployments_apps": "0"})
    await create(api, PODS, pod("bound", {"resources": {"requests": {"cpu": "1m"}}}))
    assert await used(api, "best") == {"pods": "0"}
    await create(api, PODS, pod("free"))
    assert (await api.ask("POST", PODS, pod("more"))).status == 403
    await create(api, f"{CORE}/configmaps", {"metadata": {"name": "a"}})
    refused = await api.ask("POST", f"{CORE}/configmaps", {"metadata": {"name": "b"}})
    assert (
        "requested: configmaps=1, used: configmaps=1, limited: configmaps=1"
        in refused.json["message"]
    )


async def test_a_growing_claim_is_charged_the_difference(api: Caller) -> None:
    await quota(api, requests_storage="10Gi")
    classes = "/apis/storage.k8s.io/v1/storageclasses"
    body = {"metadata": {"name": "fast"}, "provisioner": "x.io/y", "allowVolumeExpansion": True}
    await create(api, classes, body)
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast"}
    spec |= {"resources": {"requests": {"storage": "4Gi"}}}
    claims = f"{CORE}/persistentvolumeclaims"
    await create(api, claims, {"metadata": {"name": "data"}, "spec": spec})
    bound = {"status": {"phase": "Bound", "capacity": {"storage": "4Gi"}}}
    await api.ask("PATCH", f"{claims}/data/status", bound, content_type=MERGE)
    larger = {"spec": {"resources": {"requests": {"storage": "9Gi"}}}}
    grown = await api.ask("PATCH", f"{claims}/data", larger, content_type=MERGE)
    assert grown.status == 200, grown.json
    assert await used(api) == {"requests.storage": "9Gi"}
    larger["spec"]["resources"]["requests"]["storage"] = "11Gi"
    refused = await api.ask("PATCH", f"{claims}/data", larger, content_type=MERGE)
    assert "requested: requests.storage=2Gi, used: requests.storage=9Gi" in refused.json["message"]


# ---- LimitRanger


async def test_containers_get_the_defaults_of_a_limit_range_and_keep_to_its_bounds(
    api: Caller,
) -> None:
    container = {"type": "Container", "default": {"cpu": "500m"}, "max": {"cpu": "1"}}
    container |= {"min": {"cpu": "100m"}, "defaultRequest": {"cpu": "200m"}}
    spec = {"limits": [container, {"type": "Pod", "max": {"cpu": "1500m"}}]}
    body = {"metadata": {"name": "lr"}, "spec": spec}
    await create(api, f"{CORE}/limitranges", body)
    made = (await create(api, PODS, pod("a"))).json
    assert made["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "200m"},
        "limits": {"cpu": "500m"},
    }
    text = "LimitRanger plugin set: cpu request for container c; cpu limit for container c"
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == text
    refused = await api.ask("POST", PODS, pod("b", {"resources": {"limits": {"cpu": "2"}}}))
    assert refused.json["message"] == (
        'pods "b" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, '
        "maximum cpu usage per Pod is 1500m, but limit is 2]"
    )
    small = pod("c", {"resources": {"requests": {"cpu": "50m"}}})
    refused = await api.ask("POST", PODS, small)
    assert refused.json["message"] == (
        'pods "c" is forbidden: minimum cpu usage per Container is 100m, but request is 50m'
    )


async def test_a_changed_limit_range_holds_for_the_next_pod_of_the_same_template(
    api: Caller,
) -> None:
    before = (await create(api, PODS, pod("a"))).json
    assert before["spec"]["containers"][0]["resources"] == {}
    spec = {"limits": [{"type": "Container", "default": {"memory": "1Gi"}}]}
    await create(api, f"{CORE}/limitranges", {"metadata": {"name": "lr"}, "spec": spec})
    after = (await create(api, PODS, pod("b"))).json
    assert after["spec"]["containers"][0]["resources"]["limits"] == {"memory": "1Gi"}
    await api.ask("DELETE", f"{CORE}/limitranges/lr")
    last = (await create(api, PODS, pod("c"))).json
    assert last["spec"]["containers"][0]["resources"] == {}


# ---- ServiceAccount


async def test_a_template_used_before_still_needs_its_service_account(api: Caller) -> None:
    accounts = f"{CORE}/serviceaccounts"
    await create(api, accounts, {"metadata": {"name": "robot"}})
    await create(api, PODS, pod("a", serviceAccountName="robot"))
    await api.ask("DELETE", f"{accounts}/robot")
    refused = await api.ask("POST", PODS, pod("b", serviceAccountName="robot"))
    assert refused.status == 403
    assert 'serviceaccount "robot" not found' in refused.json["message"]


async def test_pull_secrets_come_from_the_account(api: Caller) -> None:
    secrets = [{"name": "registry"}]
    account = {"metadata": {"name": "robot"}, "imagePullSecrets": secrets}
    await create(api, f"{CORE}/serviceaccounts", account)
    made = (await create(api, PODS, pod("a", serviceAccountName="robot"))).json
    assert made["spec"]["imagePullSecrets"] == secrets


# ---- Priority, RuntimeClass


async def test_a_pods_priority_comes_from_its_class_or_the_default(api: Caller) -> None:
    classes = "/apis/scheduling.k8s.io/v1/priorityclasses"
    never = {"metadata": {"name": "low"}, "value": -5, "preemptionPolicy": "Never"}
    await create(api, classes, never)
    made = (await create(api, PODS, pod("a", priorityClassName="low"))).json["spec"]
    assert (made["priority"], made["preemptionPolicy"]) == (-5, "Never")
    default = {"metadata": {"name": "usual"}, "value": 7, "globalDefault": True}
    await create(api, classes, default)
    made = (await create(api, PODS, pod("b"))).json["spec"]
    assert (made["priority"], made["priorityClassName"]) == (7, "usual")
    second = await api.ask("POST", classes, {**default, "metadata": {"name": "other"}})
    assert second.json["message"] == (
        'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already '
        "marked as default. Only one default can exist"
    )
    refused = await api.ask("POST", PODS, pod("c", priority=9))
    assert "computed 7 from the given PriorityClass name" in refused.json["message"]
    unknown = await api.ask("POST", PODS, pod("d", priorityClassName="nope"))
    assert unknown.json["message"] == (
        'pods "d" is forbidden: no PriorityClass with name nope was found'
    )


async def test_a_runtime_class_brings_overhead_and_scheduling(api: Caller) -> None:
    body = {
        "metadata": {"name": "kata"},
        "handler": "kata",
        "overhead": {"podFixed": {"memory": "64Mi"}},
        "scheduling": {"nodeSelector": {"kata": "yes"}},
    }
    await create(api, "/apis/node.k8s.io/v1/runtimeclasses", body)
    made = (await create(api, PODS, pod("a", runtimeClassName="kata"))).json["spec"]
    assert made["overhead"] == {"memory": "64Mi"}
    assert made["nodeSelector"] == {"kata": "yes"}
    refused = await api.ask("POST", PODS, pod("b", runtimeClassName="nope"))
    assert refused.json["message"] == (
        'pods "b" is forbidden: pod rejected: RuntimeClass "nope" not found'
    )


# ---- storage and ingress classes


async def test_claims_and_ingresses_get_the_default_class(api: Caller) -> None:
    mark = {"storageclass.kubernetes.io/is-default-class": "true"}
    classes = "/apis/storage.k8s.io/v1/storageclasses"
    await create(
        api, classes, {"metadata": {"name": "std", "annotations": mark}, "provisioner": "x.io/y"}
    )
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"]}
    spec["resources"] = {"requests": {"storage": "1Gi"}}
    claims = f"{CORE}/persistentvolumeclaims"
    made = (await create(api, claims, {"metadata": {"name": "a"}, "spec": spec})).json
    assert made["spec"]["storageClassName"] == "std"
    assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    none = {"metadata": {"name": "b"}, "spec": {**spec, "storageClassName": ""}}
    assert (await create(api, claims, none)).json["spec"]["storageClassName"] == ""
    mark = {"ingressclass.kubernetes.io/is-default-class": "true"}
    body = {"metadata": {"name": "web", "annotations": mark}, "spec": {"controller": "x.io/y"}}
    await create(api, "/apis/networking.k8s.io/v1/ingressclasses", body)
    backend = {"defaultBackend": {"service": {"name": "a", "port": {"number": 80}}}}
    where = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
    made = (await create(api, where, {"metadata": {"name": "i"}, "spec": backend})).json
    assert made["spec"]["ingressClassName"] == "web"


async def test_a_bound_claim_grows_only_where_its_class_can(api: Caller) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claims = f"{CORE}/persistentvolumeclaims"
    await create(api, claims, {"metadata": {"name": "a"}, "spec": spec})
    bound = {"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}
    await api.ask("PATCH", f"{claims}/a/status", bound, content_type=MERGE)
    larger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    refused = await api.ask("PATCH", f"{claims}/a", larger, content_type=MERGE)
    assert refused.json["message"] == (
        'persistentvolumeclaims "a" is forbidden: only dynamically provisioned pvc can be resized '
        "and the storageclass that provisions the pvc must support resize"
    )


async def test_a_new_node_takes_no_pods_yet(api: Caller) -> None:
    made = (await create(api, "/api/v1/nodes", {"metadata": {"name": "n"}})).json
    taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    assert made["spec"]["taints"] == [taint]


# ---- PodSecurity


async def level(api: Caller, **labels: str) -> Answer:
    named = {f"pod-security.kubernetes.io/{k.replace('_', '-')}": v for k, v in labels.items()}
    patch = {"metadata": {"labels": named}}
    return await api.ask("PATCH", "/api/v1/namespaces/default", patch, content_type=MERGE)


RESTRICTED = (
    'allowPrivilegeEscalation != false (container "c" must set '
    "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "
    '"c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or '
    'container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container '
    '"c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
)


async def test_a_restricted_namespace_refuses_what_upstream_refuses(api: Caller) -> None:
    await level(api, enforce="restricted")
    refused = await api.ask("POST", PODS, pod())
    assert refused.status == 403
    assert refused.json["message"] == (
        f'pods "p" is forbidden: violates PodSecurity "restricted:latest": {RESTRICTED}'
    )
    hardened = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    await create(api, PODS, pod("ok", {"securityContext": hardened}))


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (
            {"hostNetwork": True, "hostPID": True},
            "host namespaces (hostNetwork=true, hostPID=true)",
        ),
        (
            {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
            'hostPath volumes (volume "v")',
        ),
        (
            {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
            "forbidden sysctls (kernel.msgmax)",
        ),
    ],
)
async def test_baseline_refuses_known_escalations(
    api: Caller, spec: dict[str, Any], why: str
) -> None:
    await level(api, enforce="baseline")
    refused = await api.ask("POST", PODS, pod(**spec))
    assert refused.json["message"] == (
        f'pods "p" is forbidden: violates PodSecurity "baseline:latest": {why}'
    )


async def test_baseline_looks_into_containers(api: Caller) -> None:
    await level(api, enforce="baseline")
    context = {"privileged": True, "capabilities": {"add": ["NET_ADMIN", "CHOWN"]}}
    container = {"securityContext": context, "ports": [{"containerPort": 80, "hostPort": 80}]}
    refused = await api.ask("POST", PODS, pod("p", container))
    assert refused.json["message"].partition('latest": ')[2] == (
        'non-default capabilities (container "c" must not include "NET_ADMIN" in '
        'securityContext.capabilities.add), hostPort (container "c" uses hostPort 80), privileged '
        '(container "c" must not set securityContext.privileged=true)'
    )


async def test_a_warning_level_warns_of_templates_and_refuses_nothing(api: Caller) -> None:
    await level(api, warn="restricted")
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    where = "/apis/apps/v1/namespaces/default/deployments"
    answer = await create(api, where, {"metadata": {"name": "web"}, "spec": spec})
    assert "would violate PodSecurity" in answer.headers["warning"]
    assert "runAsNonRoot != true" in answer.headers["warning"]


async def test_a_new_level_tells_which_pods_do_not_pass(api: Caller) -> None:
    await create(api, PODS, pod("a"))
    await create(api, PODS, pod("b"))
    answer = await level(api, enforce="restricted")
    assert answer.status == 200
    assert "a (and 1 other pod): allowPrivilegeEscalation != false" in answer.headers["warning"]
    refused = await level(api, enforce="strictest")
    assert refused.status == 422
    assert refused.json["details"]["causes"][0]["message"] == (
        'Invalid value: "strictest": must be one of privileged, baseline, restricted'
    )
