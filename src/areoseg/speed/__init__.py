"""How fast a network predicts, by each of the ways that there are to run it."""

from areoseg.speed.measure import Measurement, Timing, matrix_product_gflops, measure
from areoseg.speed.ways import WAYS, Way

__all__ = ["WAYS", "Measurement", "Timing", "Way", "matrix_product_gflops", "measure"]
