"""Export of trained networks: files for other programs, bundles to pass on, and their speed."""
