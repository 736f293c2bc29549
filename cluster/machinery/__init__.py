"""Plain helpers every system uses: clock, entropy, errors, metadata, quantities, selectors, queues.

Not here: anything that knows what a Pod is, talks to the store, or imports a framework.
Models k8s.io/apimachinery and k8s.io/client-go/util in so far as we need them.
"""
