"""The pod security standards: what `baseline` and `restricted` forbid, in upstream's words.

Pure functions over a pod's metadata and spec. Not here: namespaces and their labels, which
admission reads. Models k8s.io/pod-security-admission/policy.
"""
