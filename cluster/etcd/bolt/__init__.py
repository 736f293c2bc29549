"""bbolt database files, as far as an etcd snapshot needs them: written once in key order, and read.

A B+tree of pages per bucket; no transactions, no nested buckets, no changes in place. Models
go.etcd.io/bbolt's page.go, meta.go and bucket.go.
"""

from cluster.etcd.bolt.format import PAGE, BoltError
from cluster.etcd.bolt.reader import Reader
from cluster.etcd.bolt.writer import write

__all__ = ["PAGE", "BoltError", "Reader", "write"]
