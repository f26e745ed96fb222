"""Training: the plan and the data of a run, the loop, checkpoints, calibration, self-training.

`train.py` tells the story of a training from the options of a user to the report; `loop.py` is the
training loop.
"""
