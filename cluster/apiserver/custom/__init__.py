"""CustomResourceDefinitions, and the objects of the kinds they define.

`catalog` derives the served resources from the CRDs in the log; `resource` is one row of them and
carries what was compiled from its definition; `crds` and `objects` are the two strategies;
`schema/` prunes, defaults and validates by a structural schema. Not here: the HTTP face, which
serves these resources as any other. Models k8s.io/apiextensions-apiserver.
"""
