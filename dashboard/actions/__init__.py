"""What the page's buttons do, as plain functions over a Client: each returns one sentence.

They write what a person with kubectl could write; what follows is the cluster's business. A
StatusError goes up to the view.
"""
