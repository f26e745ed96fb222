"""Optimizers and learning-rate schedules, and their registries.

A new optimizer or schedule is a function decorated with `register_optimizer` or
`register_schedule`; its keyword-only parameters are its options.
"""

from areoseg.optim.optimizers import (
    OPTIMIZERS,
    OptimizerOptions,
    build_optimizer,
    register_optimizer,
)
from areoseg.optim.schedules import SCHEDULES, ScheduleOptions, rate_factor, register_schedule

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
