"""kube-apiserver: what may be stored, under which names, and how it is asked for and shown.

`resources` lists what is served, `kinds` holds one strategy a kind, `registry` turns operations
into transactions of the store, `http` is the REST face. In-process callers (components, admin,
dashboard) come in through `cluster.client`, which uses the same registry: no write goes around it.
Not here: any behaviour of the cluster. Models k8s.io/apiserver.
"""
