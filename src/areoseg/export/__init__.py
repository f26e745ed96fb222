"""Export of trained networks: files for other programs, bundles for distribution, benchmarks."""
