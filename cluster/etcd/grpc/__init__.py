"""The etcd v3 API over gRPC and mutual TLS: a face on the cluster's own store, for etcdctl.

One file a service (kv, watch, lease, maintenance, members, auth, health); `ops` is what a request
means in terms of the store, `tls` the port. A write here passes no admission, as upstream. Values
are the JSON bodies the API server stores, not protobuf. Models
go.etcd.io/etcd/server/v3/etcdserver.
"""
