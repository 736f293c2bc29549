"""Admission webhooks: programs outside that change or refuse what is to be stored.

`plugin` decides who is called and does what the answer says; `review` makes and reads
AdmissionReviews; `call` sends them over HTTPS; `services` finds what stands behind a Service.
Nothing registered costs one look into a dict. Models admission/plugin/webhook.
"""
