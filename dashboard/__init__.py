"""The screen: views, forms, panels, websocket consumers.

No cluster logic: objects come and go through `cluster.client`.
"""
