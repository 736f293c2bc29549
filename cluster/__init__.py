"""The simulated cluster, one package per system of the Kubernetes tutorial, and the Django project.

`settings`, `urls` and `asgi` are the composition root. Everything else is reached through
`cluster.client`; what depends on what is written down in pyproject.toml (import-linter).
"""
