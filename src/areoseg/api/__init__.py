"""What the command line does, in Python.

```python
import areoseg

run = areoseg.train("unet-l", "mars.npz", "runs/first", budget="15m")
print(areoseg.evaluate(run.path).score)
areoseg.predict(["runs/first"], ["photos/"], "masks/")
areoseg.submit("runs/first", "mars.npz", "submission.csv")
```
"""

from areoseg.api.auditing import audit
from areoseg.api.augmentation import draw_augmentation
from areoseg.api.benchmarking import bench
from areoseg.api.bundling import bundle
from areoseg.api.calibration import calibrate
from areoseg.api.evaluating import evaluate
from areoseg.api.evaluating import evaluate_each
from areoseg.api.experiments import compare
from areoseg.api.experiments import search
from areoseg.api.exporting import export
from areoseg.api.prediction import predict
from areoseg.api.prediction import submit
from areoseg.api.reading import read
from areoseg.api.scoring import baseline_score
from areoseg.api.scoring import baselines
from areoseg.api.self_training import self_train
from areoseg.api.soup import soup
from areoseg.api.training import resume
from areoseg.api.training import train

__all__ = [
    "audit",
    "baseline_score",
    "baselines",
    "bench",
    "bundle",
    "calibrate",
    "compare",
    "draw_augmentation",
    "evaluate",
    "evaluate_each",
    "export",
    "predict",
    "read",
    "resume",
    "search",
    "self_train",
    "soup",
    "submit",
    "train",
]
