"""The served models: each is loaded once, when it is first used."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from areoseg.errors import AreosegError, did_you_mean
from areoseg.inference.engines.factory import is_model
from areoseg.inference.load import load
from areoseg.inference.predictor import Predictor
from areoseg.serve.batcher import Batcher
from areoseg.weights import located, misspelled


class UnknownModelError(AreosegError):
    """A request names a model that is not served."""


@dataclass(frozen=True)
class ServedModel:
    """A model under the name that requests use.

    Attributes:
        name: The name.
        path: The run folder, bundled model or exported file.
        load: Returns its predictor, which is loaded by the first call.
    """

    name: str
    path: str
    load: Callable[[], Predictor]


class Models:
    """The models of a service by name; the first is the default.

    Args:
        paths: Run folders, names of bundled models, or exported files.
        device: See `areoseg.load`.
        batcher: Loads the models and runs their engines.

    Raises:
        AreosegError: A path is not a model, or two have the same name.
    """

    def __init__(self, paths: Sequence[str], *, device: str, batcher: Batcher) -> None:
        self._device = device
        self._batcher = batcher
        self._lock = threading.Lock()
        self._loaded: dict[str, Predictor] = {}
        self._paths: dict[str, str] = {}
        for path in paths:
            if not is_model(located(path)):
                hint = (
                    misspelled(path) or ": give a run folder, a bundled model or an exported file"
                )
                raise AreosegError(f"{path}: not a model{hint}")
            name = Path(path).name
            if name in self._paths:
                raise AreosegError(f"{path}: two models are called {name}: rename one")
            self._paths[name] = path

    @property
    def names(self) -> list[str]:
        """The names of the models, the default first."""
        return list(self._paths)

    def find(self, name: str | None) -> ServedModel:
        """Return the model of this name; None stands for the default.

        Raises:
            UnknownModelError: There is no such model.
        """
        name = name or self.names[0]
        if name not in self._paths:
            raise UnknownModelError(f"no model {name!r}: {did_you_mean(name, self._paths)}")
        return ServedModel(name, self._paths[name], lambda: self._get(name))

    def _get(self, name: str) -> Predictor:
        with self._lock:
            if name not in self._loaded:
                path = self._paths[name]
                predictor = self._batcher.run(lambda: load(path, device=self._device))
                self._batcher.wrap(predictor)
                self._loaded[name] = predictor
            return self._loaded[name]
