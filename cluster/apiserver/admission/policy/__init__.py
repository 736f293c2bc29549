"""ValidatingAdmissionPolicies: CEL expressions that refuse, warn or leave a note.

`plugin` is asked on every write; `compiled` holds what was made of each policy once.
Models admission/plugin/policy/validating.
"""
