"""Who owns which field: managedFields and server-side apply.

Models sigs.k8s.io/structured-merge-diff (`fieldpath`, `types`, `typed`, `compare`, `merge`,
`remove`, `updater`) and k8s.io/apimachinery/pkg/util/managedfields (`entries`, `manager`,
`scale`, `conflicts`). `hook` is where the registry records; `hot`, `outline` and `shapes` make
that cheap for objects that look alike. Not here: reading the request (`http/apply.py`) and what a
kind defaults, admits and validates afterwards (its Strategy).
"""
