import contextlib
import socket

import pytest
from serving import BrightnessEngine, running

from areoseg.inference.predictor import Predictor
from areoseg.serve import models as served_models


@pytest.fixture
def engine(monkeypatch):
    """The model of the services of a test."""
    found = BrightnessEngine()
    monkeypatch.setattr(served_models, "load", lambda path, device: Predictor([found]))
    return found


@pytest.fixture
def start_service(engine):
    """Starts services with settings; returns a client of each."""
    with contextlib.ExitStack() as services:
        yield lambda **settings: services.enter_context(running(**settings))


@pytest.fixture
def client(start_service):
    """A client of a service with default settings."""
    return start_service()


@pytest.fixture
def unused_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]
