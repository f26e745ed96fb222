"""Optimizers and learning-rate schedules, and their registries.

A new optimizer or schedule is a function decorated with `register_optimizer` or
`register_schedule`; its keyword-only parameters are its options.
"""

from areoseg.optim.optimizers import OPTIMIZERS
from areoseg.optim.optimizers import OptimizerOptions
from areoseg.optim.optimizers import build_optimizer
from areoseg.optim.optimizers import register_optimizer
from areoseg.optim.schedules import SCHEDULES
from areoseg.optim.schedules import ScheduleOptions
from areoseg.optim.schedules import rate_factor
from areoseg.optim.schedules import register_schedule

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "OptimizerOptions",
    "ScheduleOptions",
    "build_optimizer",
    "rate_factor",
    "register_optimizer",
    "register_schedule",
]
