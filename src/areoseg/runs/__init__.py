"""Run folders: what one training leaves on disk, and how runs relate to each other."""
