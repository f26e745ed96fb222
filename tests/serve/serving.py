"""A service on a free port, whose model names the class of each pixel by its brightness."""

import contextlib
import io
import threading
import time

import httpx
import numpy as np
import torch
import uvicorn
from PIL import Image

from areoseg.serve.app import create_app
from areoseg.serve.settings import Settings
from areoseg.taxonomy import MARS

BINS = 256 // len(MARS) + 1


class BrightnessEngine:
    """Gives each pixel the class of its brightness, with a probability of 0.8."""

    taxonomy = MARS
    size_divisor = 4
    scale = None
    background_threshold = None
    predicts_background = True

    def __init__(self, seconds=0.0):
        self.seconds = seconds
        self.batches = []

    def __call__(self, images):
        self.batches.append(len(images))
        time.sleep(self.seconds)
        classes = (images[:, 0] * 255).round().long() // BINS
        return torch.nn.functional.one_hot(classes, len(MARS)).permute(0, 3, 1, 2) * 0.75 + 0.05


def brightness_mask(image):
    """The mask that the model predicts."""
    return (image // BINS).astype(np.uint8)


def draw(index=0, size=(32, 48)):
    """An image of random blocks that depends on the index."""
    rng = np.random.default_rng(index)
    blocks = rng.integers(0, 256, (size[0] // 8, size[1] // 8), dtype=np.uint8)
    return np.kron(blocks, np.ones((8, 8), np.uint8))


def as_png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def decode(content):
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


@contextlib.contextmanager
def running(**settings):
    settings = {"models": ("flagship-256",), **settings}
    app = create_app(Settings(**settings))
    config = uvicorn.Config(app, port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    token = settings.get("token")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    limits = httpx.Limits(max_connections=64)
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60, limits=limits
        ) as client:
            client.service = app.state.service
            yield client
    finally:
        server.should_exit = True
        thread.join()
