"""Processes: the Celery app and its tasks, the supervisor, the timekeeper, the live wiring.

Interfaces only: nothing here decides anything about a cluster.
"""
