"""The store: revisions, compare-and-swap, range, watch from a revision, leases, compaction.

`api` is the contract (a Protocol), `memory` and `sql` are its drivers; one shared test suite holds
both. Values are opaque bytes here: what an object is, the API server knows.
Models go.etcd.io/etcd/server/v3/mvcc.
"""
