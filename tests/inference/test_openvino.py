from types import SimpleNamespace

import pytest
import torch

from areoseg.inference import TorchEngine, open_engine
from areoseg.inference.engines import openvino
from areoseg.inference.engines.openvino import AcceleratedEngine, has_openvino
from areoseg.models import create_model
from areoseg.models.segmenter import Segmenter
from areoseg.taxonomy import MARS

pytestmark = pytest.mark.skipif(not has_openvino(), reason="OpenVINO is not installed")


def torch_engine(**options):
    torch.manual_seed(0)
    network = create_model("unet", widths=[4, 8])
    return TorchEngine(Segmenter(network, mean=0.3, std=0.2, classes=5), MARS, **options)


@pytest.fixture
def always_faster(monkeypatch):
    """Time that stands still for whatever runs second."""
    seconds = iter([1.0, 0.5])
    monkeypatch.setattr(openvino, "_timed", lambda run, images: (next(seconds, 0.0), run(images)))


def test_a_long_job_goes_over_to_openvino_with_the_same_answers_at_any_size(always_faster):
    engine = AcceleratedEngine(torch_engine(), patience=0.5)
    images = torch.rand(2, 1, 16, 24)
    first = engine(images)
    assert engine.accelerated
    torch.testing.assert_close(engine(images), first, rtol=0, atol=1e-4)
    other = torch.rand(3, 1, 7, 9)
    padded = torch.nn.functional.pad(other, (0, 1, 0, 1), mode="replicate")
    expected = torch_engine()(padded)[..., :7, :9]
    torch.testing.assert_close(engine(other), expected, rtol=0, atol=1e-4)


def test_a_short_job_stays_with_pytorch():
    engine = AcceleratedEngine(torch_engine(), patience=1e6)
    engine(torch.rand(1, 1, 8, 8))
    assert not engine.accelerated


def test_openvino_is_not_taken_where_it_answers_otherwise(always_faster, monkeypatch):
    monkeypatch.setattr(
        openvino,
        "_openvino",
        lambda engine, images: lambda x: torch.rand(len(x), 5, *x.shape[2:]),
    )
    engine = AcceleratedEngine(torch_engine(), patience=0.5)
    images = torch.rand(1, 1, 8, 8)
    first = engine(images)
    monkeypatch.undo()
    assert not engine.accelerated
    assert torch.equal(engine(images), first)


def test_an_openvino_that_fails_ends_no_job(monkeypatch):
    def broken(engine, images):
        raise RuntimeError("no such plugin")

    monkeypatch.setattr(openvino, "_openvino", broken)
    engine = AcceleratedEngine(torch_engine(), patience=1e-9)
    images = torch.rand(1, 1, 8, 8)
    assert torch.equal(engine(images), engine(images))
    assert not engine.accelerated


def test_bfloat16_stays_bfloat16(always_faster):
    engine = AcceleratedEngine(torch_engine(precision="bfloat16"), patience=0.5)
    images = torch.rand(2, 1, 16, 24)
    first = engine(images)
    torch.testing.assert_close(engine(images), first, rtol=0, atol=0.05)


def test_only_who_asks_for_speed_goes_over(tmp_path, monkeypatch):
    run = SimpleNamespace(
        segmenter=lambda: torch_engine().segmenter,
        taxonomy=MARS,
        info=SimpleNamespace(precision="float32"),
        recipe=None,
    )
    monkeypatch.setattr("areoseg.inference.engines.factory.open_run", lambda path: run)
    monkeypatch.setattr("areoseg.inference.engines.factory.trained_scale", lambda run: None)
    monkeypatch.setattr("areoseg.inference.engines.factory.has_openvino", lambda: True)
    assert isinstance(open_engine(tmp_path), TorchEngine)  # scores are the same each time
    assert isinstance(open_engine(tmp_path, accelerate=True), AcceleratedEngine)
