"""Training: the plan and the data of a run, the loop, checkpoints, calibration, self-training.

`train.py` runs a whole training, from the user's options to the report; `loop.py` is the training
loop.
"""
