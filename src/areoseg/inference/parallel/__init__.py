"""Prediction by several processes or machines that share the blocks of one list of images."""
