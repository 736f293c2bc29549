"""Processes: what runs where, who wakes whom, and the supervisor. Interfaces, no cluster logic.

    switchboard   Redis: hints, wake-ups, deadlines       wiring       a process's access to the log
    tasks, host   a Celery task drains a component        components   which components there are
    timekeeper    fires deadlines, keeps the clock        supervisor   `manage.py up`
    serving       the API port                            bench        measuring

Not here: what a component does.
"""
