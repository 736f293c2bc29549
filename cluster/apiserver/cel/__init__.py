"""CEL as Kubernetes speaks it: Google's evaluator, plus the functions the API server adds.

`program.compile_expression` memoises programs; `values` turns JSON into what rules see of it.
Not here: who asks (CRD rules in `custom/rules.py`, policies and match conditions in `admission/`).
Models k8s.io/apiserver/pkg/cel.

The evaluator is loaded with the first expression, since most processes never see one.
"""
