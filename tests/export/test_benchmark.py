from functools import partial

import pytest
import torch

import areoseg
from areoseg.errors import AreosegError
from areoseg.export.benchmark import BACKENDS, matrix_product_gflops, measure
from areoseg.models import create_model
from areoseg.models.segmenter import ProbabilityGraph, Segmenter


def segmenter():
    torch.manual_seed(0)
    network = create_model("unet", widths=[4, 8])
    return Segmenter(network, mean=0.3, std=0.2, classes=5).eval()


def test_a_measurement_has_its_numbers():
    found = measure(
        "abs", partial(partial, torch.abs), size=(8, 8), batches=(1, 3), seconds=0.001, threads=1
    )
    assert [timing.batch for timing in found.timings] == [1, 3]
    for timing in found.timings:
        assert timing.calls >= 5
        assert timing.median <= timing.p99
        assert timing.images_per_second == pytest.approx(timing.batch / timing.median)
    assert found.peak_mib > 10
    assert found.time_to_first_output > 0


@pytest.mark.parametrize("name", ["eager", "channels_last", "ONNX Runtime", "OpenVINO"])
def test_every_float32_way_answers_the_same(name):
    way = BACKENDS[name]
    if way.missing() is not None:
        pytest.skip(way.missing())
    images = torch.rand(2, 1, 16, 24)
    with torch.inference_mode():
        answer = way.prepare(segmenter(), images[:1])(images)
        expected = ProbabilityGraph(segmenter())(images)
    found = answer if isinstance(answer, torch.Tensor) else torch.as_tensor(answer[0])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_the_matrix_product_has_a_speed():
    assert matrix_product_gflops(seconds=0.01) > 0


def test_bench_refuses_what_it_cannot_time(tmp_path):
    with pytest.raises(AreosegError, match="not a run"):
        areoseg.bench(tmp_path)
    with pytest.raises(AreosegError, match="above 0"):
        areoseg.bench(tmp_path, batches=[0])
