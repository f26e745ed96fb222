"""Calibration: a temperature and offsets that are fitted to samples outside the training part."""

from areoseg.calibration.calibrate import Calibration
from areoseg.calibration.calibrate import calibrate
from areoseg.calibration.store import calibrate_run

__all__ = ["Calibration", "calibrate", "calibrate_run"]
