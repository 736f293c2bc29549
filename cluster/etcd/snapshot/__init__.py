"""Snapshots in etcd's own format: of our store for etcdctl, and of any etcd for our store.

A snapshot is the bbolt database of a member and the SHA-256 of it. `content` says which buckets
and keys that is, `save` writes one, `check` tells what is in one, `restore` puts one in place.
"""
