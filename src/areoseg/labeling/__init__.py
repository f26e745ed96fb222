"""Choosing images to label, and exchanging masks with labeling tools."""
