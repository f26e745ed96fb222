"""What every registered model must do, whatever it is made of."""

import inspect
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from safetensors.torch import save_file
from torch import Tensor
from torch import nn

from areoseg.errors import AreosegError
from areoseg.export.onnx_file import trace_to_onnx
from areoseg.models import create_model
from areoseg.models import record
from areoseg.models import records

# Options that make a model narrow, so that the contract is quick to check. A model that is not
# listed is checked as it comes.
NARROW = {
    "unet": {"widths": (4, 8, 16)},
    "unet-classic": {"widths": (8, 8, 16)},
    "unet-l": {"widths": (4, 8, 16)},
    "unet-l-small": {"widths": (4, 8, 16)},
    "unet-groupnorm": {"widths": (8, 8, 16), "dropout": (0.3, 0.2, 0.1)},
    "unet-xception": {"stem_width": 4, "widths": (8, 16)},
    "unet-aspp": {"widths": (4, 8, 16), "pyramid_width": 8},
    "dual-unet": {"widths": (4, 8, 16), "pyramid_width": 8},
    "unet-resse": {"widths": (4, 8, 16), "reduction": 2},
    "psp-attention": {"widths": (4, 8, 16)},
    "nnunet": {"widths": (4, 8, 8, 16)},
    "rockseg": {"widths": (4, 8, 8, 16), "heads": 2},
    "light4mars-t": {"widths": (8, 16), "depths": (1, 1), "heads": (1, 2), "windows": (8, 4)},
    "light4mars-s": {"widths": (4, 8), "depths": (1, 1), "heads": (1, 2), "windows": (4, 4)},
    "light4mars-b": {"widths": (4, 8), "depths": (2, 2), "heads": (1, 2), "windows": (4, 4)},
    "turkeyseg": {"global_widths": (16, 32, 64), "local_widths": (16, 32), "reduction": 2},
    "unet-transformer": {"widths": (4, 8, 16), "heads": 2},
    "unet-attention": {"widths": (4, 8, 16), "deep_supervision": True},
    "attention-uwnet": {"width": 4},
}

# Cutting a map into windows takes its size as fixed when the model is exported.
FIXED_SIZE = {"light4mars-t", "light4mars-s", "light4mars-b"}

NAMES = [known.name for known in records()]


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def build(name, *, seed=0, **options):
    torch.manual_seed(seed)
    model = create_model(name, **NARROW.get(name, {}), **options)
    return model.to(memory_format=torch.channels_last)


def random_images(*shape, seed=1):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def move_off_the_start(model):
    """Replace zeros and ones that only mark the start of training by some other weights."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def all_logits(answer):
    return (answer,) if isinstance(answer, Tensor) else answer


def training_size(model):
    """A small size that leaves more than one pixel at the coarsest level."""
    return max(32, 2 * model.size_divisor), max(32, 2 * model.size_divisor)


def test_the_tables_name_models_that_exist():
    assert set(NARROW) | FIXED_SIZE <= set(NAMES)


def test_a_record_says_what_the_model_is_and_where_it_comes_from(name):
    known = record(name)
    assert 10 < len(known.summary) < 100
    assert "\n" not in known.summary
    assert known.paper
    assert inspect.getdoc(known.build)


def test_all_options_are_keywords_with_defaults_and_one_gray_channel_gives_five_classes(name):
    parameters = inspect.signature(record(name).build).parameters
    assert all(option.kind is option.KEYWORD_ONLY for option in parameters.values())
    assert all(option.default is not option.empty for option in parameters.values())
    assert parameters["in_channels"].default == 1
    assert parameters["classes"].default == 5


@pytest.mark.parametrize(("in_channels", "classes"), [(1, 5), (3, 2), (1, 7)])
def test_logits_have_the_size_of_the_images(name, in_channels, classes):
    model = build(name, in_channels=in_channels, classes=classes).eval()
    smallest = (model.size_divisor, model.size_divisor)
    for batch, (height, width) in ((2, (64, 128)), (1, (65, 130)), (1, (48, 200)), (1, smallest)):
        images = random_images(batch, in_channels, height, width)
        with torch.no_grad():
            logits = model(images)
        assert isinstance(logits, Tensor)
        assert logits.shape == (batch, classes, height, width)
        assert logits.isfinite().all()


def test_logits_depend_on_the_images(name):
    model = build(name).eval()
    with torch.no_grad():
        one, other = model(random_images(2, 1, *training_size(model)))
    assert (one - other).abs().max() > 1e-3


def test_padding_repeats_the_last_row_and_column(name):
    model = build(name).eval()
    rows, columns = model.size_divisor - 1, model.size_divisor // 2
    whole = random_images(1, 1, *training_size(model))
    whole[..., -rows:, :] = whole[..., -rows - 1, None, :]
    whole[..., -columns:] = whole[..., -columns - 1, None]
    with torch.no_grad():
        expected = model(whole)[..., :-rows, :-columns]
        logits = model(whole[..., :-rows, :-columns])
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)


def test_in_training_auxiliary_logits_follow_the_logits_from_fine_to_coarse(name):
    model = build(name).train()
    height, width = training_size(model)
    for images in (random_images(2, 1, height, width), random_images(2, 1, height + 1, width + 6)):
        logits, *auxiliary = all_logits(model(images))
        assert logits.shape == (2, 5, *images.shape[-2:])
        assert len(auxiliary) == len(getattr(model, "auxiliary_weights", ()))
        assert all(extra.shape[:2] == (2, 5) for extra in auxiliary)
        for finer, coarser in pairwise((logits, *auxiliary)):
            assert coarser.shape[-2] < finer.shape[-2]
            assert coarser.shape[-1] < finer.shape[-1]


@pytest.mark.parametrize("batch", [1, 3])
def test_gradient_reaches_every_parameter(name, batch):
    waiting = {path for path, _ in build(name).named_parameters()}
    for seed in range(5):  # in a narrow model, all ReLUs of a layer may be off by chance
        model = move_off_the_start(build(name, seed=seed)).train()
        images = random_images(batch, 1, *training_size(model), seed=seed)
        answer = all_logits(model(images))
        sum((logits * torch.randn_like(logits)).sum() for logits in answer).backward()
        for path, parameter in model.named_parameters():
            assert parameter.grad is not None, path
            assert parameter.grad.isfinite().all(), path
            if parameter.grad.abs().max() > 0:
                waiting.discard(path)
    assert not waiting


def test_evaluation_is_deterministic(name):
    model = build(name).eval()
    images = random_images(2, 1, *training_size(model))
    with torch.no_grad():
        assert torch.equal(model(images), model(images))


def test_an_image_gets_the_same_logits_alone_and_in_a_batch(name):
    model = build(name).eval()
    images = random_images(3, 1, *training_size(model))
    with torch.no_grad():
        torch.testing.assert_close(model(images)[1:2], model(images[1:2]), atol=1e-4, rtol=1e-3)


def test_memory_format_does_not_change_the_logits(name):
    model = build(name).eval()
    images = random_images(2, 1, *training_size(model))
    with torch.no_grad():
        channels_last = model(images.contiguous(memory_format=torch.channels_last))
        contiguous = model.to(memory_format=torch.contiguous_format)(images)
    torch.testing.assert_close(channels_last, contiguous, atol=1e-4, rtol=1e-4)


def test_half_precision_gives_nearly_the_same_logits(name):
    model = build(name).eval()
    images = random_images(2, 1, *training_size(model))
    with torch.no_grad():
        exact = model(images)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rounded = model(images).float()
    assert (rounded - exact).abs().mean() < 0.1 * exact.abs().mean()


def test_a_few_steps_on_one_batch_lower_the_loss(name):
    model = build(name).train()
    images = random_images(4, 1, *training_size(model))
    images = nn.functional.avg_pool2d(images, 5, stride=1, padding=2)
    images = (images - images.mean()) / images.std()
    targets = torch.bucketize(images[:, 0], torch.tensor([-1.0, -0.3, 0.3, 1.0]))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(25):
        loss = nn.functional.cross_entropy(all_logits(model(images))[0], targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-3:]) < 0.9 * losses[0]


def test_weights_survive_a_safetensors_file(name, tmp_path):
    model = move_off_the_start(build(name)).eval()
    contiguous = {key: weights.contiguous() for key, weights in model.state_dict().items()}
    save_file(contiguous, tmp_path / "weights.safetensors")
    restored = build(name, seed=7).eval()
    images = random_images(1, 1, *training_size(model))
    with torch.no_grad():
        expected = model(images)
        assert not torch.equal(restored(images), expected)
        restored.load_state_dict(load_file(tmp_path / "weights.safetensors"))
        assert torch.equal(restored(images), expected)


@pytest.mark.filterwarnings("ignore")
def test_exported_models_answer_alike_for_other_batches_and_sizes(name, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = move_off_the_start(build(name)).eval()
    rows, columns = (model.size_divisor * torch.export.Dim(edge, min=2, max=64) for edge in "hw")
    shape = (2, 1, 2 * model.size_divisor, 4 * model.size_divisor)
    dynamic = {0: torch.export.Dim("batch", min=1, max=64)}
    if name in FIXED_SIZE:
        other_shape = (3, *shape[1:])
    else:
        other_shape = (1, 1, 3 * model.size_divisor, 5 * model.size_divisor)
        dynamic |= {2: rows, 3: columns}

    program = torch.export.export(model, (random_images(*shape),), dynamic_shapes=(dynamic,))
    trace_to_onnx(model, random_images(*shape), tmp_path / "model.onnx", outputs={"logits": (2, 3)})
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    for images in (random_images(*shape), random_images(*other_shape)):
        with torch.no_grad():
            expected = model(images)
            torch.testing.assert_close(program.module()(images), expected, atol=1e-5, rtol=1e-4)
        (answer,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
        rounding = 3e-5 * max(3.0, float(expected.abs().max()))  # logits may be in the hundreds
        np.testing.assert_allclose(answer, expected.numpy(), atol=rounding, rtol=1e-4)


def test_an_image_smaller_than_the_stride_is_refused_with_the_size_to_pad_to(name):
    model = build(name).eval()
    short = model.size_divisor - 1
    with pytest.raises(
        AreosegError, match=f"pad them to {model.size_divisor}x{model.size_divisor + 5}"
    ):
        model(random_images(1, 1, short, model.size_divisor + 5))


def test_an_image_without_a_batch_axis_is_refused(name):
    with pytest.raises(AreosegError, match=r"\(64, 128\)"):
        build(name).eval()(random_images(64, 128))


def test_an_image_with_other_channels_is_refused(name):
    with pytest.raises(AreosegError, match="in_channels=3"):
        build(name).eval()(random_images(1, 3, 64, 128))


def test_an_unknown_option_is_refused(name):
    with pytest.raises(AreosegError, match="no option 'wodths'"):
        create_model(name, wodths=3)
