import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from unittest import mock

import numpy as np
import pytest
import torch

from areoseg.cli.app import main
from areoseg.data.samples import SegmentationDataset
from areoseg.synthetic import SyntheticMars, draw_set
from areoseg.taxonomy import MARS

torch.set_num_threads(1)  # the suite runs on several processes


CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="session", autouse=True)
def hear_interrupts() -> Iterator[None]:
    """Shells start background jobs deaf to Ctrl-C, and what they start inherits that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def samples() -> SegmentationDataset:
    """A few labeled synthetic tiles, four to a frame."""
    return draw_set(SyntheticMars(height=32, width=64, rock_tiles=0.4), 48)


@pytest.fixture(scope="session")
def homework_npz(samples, tmp_path_factory):
    """The same tiles in the homework's format, five of them without masks, and their groups."""
    path = tmp_path_factory.mktemp("data") / "mars.npz"
    images, masks = samples.stacked()
    np.savez(path, training_set=np.stack([images, masks], axis=1), test_set=images[:5])
    path.with_name("mars_groups.txt").write_text("\n".join(samples.groups) + "\n")
    return path


@pytest.fixture(scope="session")
def run_command():
    """Runs `areoseg WORDS` in this process; returns its exit code and what it printed."""

    def run(*words, cwd="."):
        arguments = list(map(str, words))
        code, output, errors = 0, io.StringIO(), io.StringIO()
        threads = torch.get_num_threads()
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        handlers = {number: signal.getsignal(number) for number in numbers}
        with (
            mock.patch.object(sys, "argv", ["areoseg", *arguments]),
            mock.patch.dict(os.environ),
            contextlib.chdir(cwd),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
        ):
            try:
                main()
            except SystemExit as ended:
                code = ended.code or 0
        torch.set_num_threads(threads)
        for number, handler in handlers.items():  # a command that was interrupted ignores the rest
            signal.signal(number, handler)
        return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())

    return run


@pytest.fixture(scope="session")
def start_command():
    """Starts `areoseg WORDS` as a process, for tests of signals."""

    def start(*words, **options):
        return subprocess.Popen(
            [sys.executable, "-m", "areoseg", *map(str, words)],
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    return start


TINY = [
    "model.widths=[4,8]",
    "training.batch_size=8",
    "training.epochs=3",
    "training.precision=float32",
    "split.val=0.25",
    "split.test=0.25",
]
"""Overrides of the recipe `unet` that train in a second."""


@pytest.fixture(scope="session")
def tiny():
    return list(TINY)


@pytest.fixture(scope="session")
def run_values():
    """Makes the content of a `run.json`; `data` changes single values of the section."""

    def values(data=None, **changes):
        return {
            "versions": {"areoseg": "0.1.0", "torch": "2.13.0+x", "python": "3.11.9"},
            "command": None,
            "status": "finished",
            "data": {
                "source": {"path": "mars.npz"},
                "fingerprint": "f00dcafe",
                "labeled": 20,
                "unlabeled": 6000,
                "rejected": 2,
                "groups": 11,
                "training_shares": dict.fromkeys(MARS.names, 0.2),
                "mean": 0.48,
                "std": 0.21,
                **(data or {}),
            },
            "taxonomy": {"names": MARS.names, "colors": MARS.colors, "background": 0},
            "model": {"size": [64, 128], "parameters": 484_213, "macs": 312_441_856},
            "device": "cpu",
            "threads": 2,
            "precision": "float32",
            "budget_seconds": None,
            **changes,
        }

    return values


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium; tests of pages skip where it is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()
