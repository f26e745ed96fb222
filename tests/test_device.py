"""Devices and precisions."""

import pytest
import torch

from areoseg.errors import AreosegError
from areoseg.utils import device
from areoseg.utils.device import choose_device, choose_precision, precision_of_training

CPU = torch.device("cpu")


def _pretend(
    monkeypatch: pytest.MonkeyPatch, *, native: bool, float32: float, bfloat16: float
) -> None:
    """A processor on which a convolution takes these seconds."""
    seconds = {torch.float32: float32, torch.bfloat16: bfloat16}
    monkeypatch.setattr(device, "has_bfloat16", lambda _: native)
    monkeypatch.setattr(device, "convolution_seconds", seconds.__getitem__)
    monkeypatch.setattr(device, "_bfloat16_pays", device._bfloat16_pays.__wrapped__)


@pytest.mark.parametrize(
    ("native", "float32", "bfloat16", "chosen"),
    [
        (True, 2.0, 1.0, "bfloat16"),
        (True, 1.0, 2.0, "float32"),
        (True, 1.0, 0.9, "float32"),  # within the noise of timing: the exact one
        (False, 2.0, 1.0, "float32"),
    ],
)
def test_auto_is_bfloat16_where_it_is_native_and_faster(
    monkeypatch: pytest.MonkeyPatch, native: bool, float32: float, bfloat16: float, chosen: str
) -> None:
    _pretend(monkeypatch, native=native, float32=float32, bfloat16=bfloat16)
    assert choose_precision("auto", CPU) == chosen


@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_what_is_asked_for_is_not_timed(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    _pretend(monkeypatch, native=True, float32=1.0, bfloat16=1.0)
    monkeypatch.setattr(device, "_bfloat16_pays", lambda _: pytest.fail("timed"))
    assert choose_precision(asked, CPU) == asked


def test_a_convolution_takes_time_in_both_precisions() -> None:
    assert device.convolution_seconds(torch.float32) > 0
    assert device.convolution_seconds(torch.bfloat16) > 0


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(AreosegError, match="--device abacus: this device does not exist"):
        choose_device("abacus")


@pytest.mark.parametrize(
    ("trained", "native", "scored"),
    [
        ("bfloat16", True, "bfloat16"),
        ("bfloat16", False, "float32"),
        ("float32", True, "float32"),
    ],
)
def test_a_score_is_in_the_precision_of_the_training_whatever_is_faster(
    monkeypatch: pytest.MonkeyPatch, trained: str, native: bool, scored: str
) -> None:
    _pretend(monkeypatch, native=native, float32=1.0, bfloat16=2.0)
    assert precision_of_training(trained, CPU) == scored
