"""What the command line does, in Python.

```python
import areoseg

run = areoseg.train("unet-l", "mars.npz", "runs/first", budget="15m")
print(areoseg.evaluate(run.path).score)
areoseg.predict(["runs/first"], ["photos/"], "masks/")
areoseg.submit("runs/first", "mars.npz", "submission.csv")
```
"""

import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from areoseg.api.experiments import compare
    from areoseg.api.experiments import search
    from areoseg.audit.audit import audit
    from areoseg.data.load import read
    from areoseg.evaluation.baselines import baseline_score
    from areoseg.evaluation.evaluate import evaluate
    from areoseg.evaluation.evaluate import evaluate_each
    from areoseg.export.benchmark import bench
    from areoseg.export.bundle import bundle
    from areoseg.export.export import export
    from areoseg.inference.predict import predict
    from areoseg.inference.submission import submit
    from areoseg.report.augmentation import draw_augmentation
    from areoseg.training.baselines import baselines
    from areoseg.training.calibrate import calibrate
    from areoseg.training.self_training import self_train
    from areoseg.training.soup import soup
    from areoseg.training.train import resume
    from areoseg.training.train import train

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


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used; its home is the import line above."""
    home = re.search(rf"^    from (\S+) import {name}$", Path(__file__).read_text(), re.MULTILINE)
    if home is None:
        raise AttributeError(f"module 'areoseg.api' has no attribute {name!r}")
    return getattr(import_module(home[1]), name)
