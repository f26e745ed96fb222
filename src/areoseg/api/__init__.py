"""Studies and searches, until they move to `experiments`."""
