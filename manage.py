#!/usr/bin/env python
"""Orrery's command line; `manage.py up` starts the cluster."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cluster.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"orrery: {error}")


if __name__ == "__main__":
    main()
