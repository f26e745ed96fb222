"""Rover missions: file names, PDS labels, classes of AI4Mars, scale of Navcam frames."""
