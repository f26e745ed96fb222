"""Mars terrain segmentation, trained from scratch."""
