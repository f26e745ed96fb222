"""Run folders: the files that a training writes, and the relations between runs."""
