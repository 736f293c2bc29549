"""A live Orrery, started as a person starts it and driven by real clients."""
