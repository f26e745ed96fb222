"""How fast a network predicts, by each of the backends that there are to run it."""

from areoseg.speed.measure import Measurement, Timing, matrix_product_gflops, measure
from areoseg.speed.ways import BACKENDS, Backend

__all__ = ["BACKENDS", "Backend", "Measurement", "Timing", "matrix_product_gflops", "measure"]
