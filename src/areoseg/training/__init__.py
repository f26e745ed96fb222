"""Training: the plan and the data of a run, the loop, checkpoints, calibration, self-training.

`train.py` has the public functions, which take paths; `in_memory.py` holds a training from start to
end; `loop.py` is the training loop.
"""
