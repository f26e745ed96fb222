"""How fast a network predicts, by each of the backends that there are to run it."""

from areoseg.speed.measure import Measurement
from areoseg.speed.measure import Timing
from areoseg.speed.measure import matrix_product_gflops
from areoseg.speed.measure import measure
from areoseg.speed.ways import BACKENDS
from areoseg.speed.ways import Backend

__all__ = ["BACKENDS", "Backend", "Measurement", "Timing", "matrix_product_gflops", "measure"]
