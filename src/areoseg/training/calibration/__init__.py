"""Calibration of a trained model on held-out samples: confidences, class offsets, background gate.

`calibrate.py` has the public function; `outputs.py` runs the network once over the samples, and the
fits of `classes.py` and `gate.py` share its outputs.
"""
