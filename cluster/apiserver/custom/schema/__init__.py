"""Structural schemas: what they do to an object (prune, default) and say about it (validate).

A schema is a plain dict as written in the CRD. Models k8s.io/apiextensions-apiserver/pkg/apiserver/
schema and k8s.io/kube-openapi/pkg/validation.
"""
