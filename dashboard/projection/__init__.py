"""What the page shows, as flat rows: pure functions over the objects in informers' caches.

One file a table; `projector` knows which row depends on which object. A row is a list of plain
values in the order of its table's columns, so that it travels as compact JSON. Moments are
cluster-time seconds; the browser only counts down to them. Not here: sockets, HTML, and any
decision about the cluster.
"""
