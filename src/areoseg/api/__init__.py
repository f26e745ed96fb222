"""What the command line does, in Python.

```python
import areoseg

run = areoseg.train("unet-l", "mars.npz", "runs/first", budget="15m")
print(areoseg.evaluate(run.path).score)
areoseg.predict(["runs/first"], ["photos/"], "masks/")
areoseg.submit("runs/first", "mars.npz", "submission.csv")
```
"""

from areoseg.api.augmentation import draw_augmentation
from areoseg.api.experiments import compare, search
from areoseg.api.prediction import predict, submit
from areoseg.api.reading import audit, read
from areoseg.api.scoring import baseline_score, baselines, evaluate
from areoseg.api.training import resume, train

__all__ = [
    "audit",
    "baseline_score",
    "baselines",
    "compare",
    "draw_augmentation",
    "evaluate",
    "predict",
    "read",
    "resume",
    "search",
    "submit",
    "train",
]
