import pytest
import torch

from areoseg.errors import AreosegError
from areoseg.inference import TorchEngine, open_engine
from areoseg.inference.engines.factory import LOADERS
from areoseg.models import create_model
from areoseg.models.segmenter import Segmenter
from areoseg.taxonomy import MARS


@pytest.fixture
def segmenter():
    torch.manual_seed(0)
    network = create_model("unet", widths=[4, 8, 16])
    return Segmenter(network, mean=0.5, std=0.2, classes=5, masked_classes=(0,))


def test_an_engine_answers_probabilities_in_float32(segmenter):
    engine = TorchEngine(segmenter, MARS, scale=0.25)
    found = engine(torch.rand(3, 1, 8, 12))
    assert found.shape == (3, 5, 8, 12)
    assert found.dtype == torch.float32
    assert torch.allclose(found.sum(dim=1), torch.ones(3, 8, 12))
    assert (found[:, 0] == 0).all()
    assert (engine.size_divisor, engine.scale, engine.taxonomy) == (4, 0.25, MARS)
    assert not segmenter.training


def test_bfloat16_changes_little(segmenter):
    images = torch.rand(1, 1, 16, 16)
    exact = TorchEngine(segmenter, MARS)(images)
    reduced = TorchEngine(segmenter, MARS, precision="bfloat16")(images)
    assert reduced.dtype == torch.float32
    assert torch.allclose(exact, reduced, atol=0.05)
    assert not torch.equal(exact, reduced)


def test_an_exported_file_goes_to_the_loader_of_its_suffix(tmp_path, monkeypatch):
    path = tmp_path / "model.ENGINE"
    monkeypatch.setitem(LOADERS, ".engine", lambda path, device: (path, device))
    with pytest.raises(AreosegError, match="no such file"):
        open_engine(path)
    path.touch()
    assert open_engine(path, device="cpu") == (path, "cpu")


def test_a_file_of_another_kind_is_refused_with_what_would_do(tmp_path):
    path = tmp_path / "model.txt"
    path.touch()
    with pytest.raises(AreosegError, match="not a supported model: give a run folder"):
        open_engine(path)
    with pytest.raises(AreosegError, match="not a run"):
        open_engine(tmp_path)
