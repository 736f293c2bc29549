"""The processes: who wakes whom, and who keeps whom alive."""
