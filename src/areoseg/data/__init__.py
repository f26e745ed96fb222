"""Data: options, readers, samples, groups, splits and missions."""
