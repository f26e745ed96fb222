"""What every registered model must do, whatever it is made of."""

import numpy as np
import pytest
import torch
from torch import nn

from areoseg.errors import AreosegError
from areoseg.export.onnx_file import trace_to_onnx
from areoseg.models import create_model, records, register, registry
from areoseg.models.layers.size import crop_like, pad_to_multiple
from areoseg.testing import check_model, perturbed, random_images

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


def test_the_tables_name_models_that_exist():
    assert set(NARROW) | FIXED_SIZE <= set(NAMES)


def test_contract(name):
    check_model(name, **NARROW.get(name, {}))


@pytest.mark.filterwarnings("ignore")
def test_exported_models_answer_alike_for_other_batches_and_sizes(name, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = perturbed(build(name)).eval()
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


def test_an_unknown_option_is_refused(name):
    with pytest.raises(AreosegError, match="no option 'wodths'"):
        create_model(name, wodths=3)


class Pixelwise(nn.Module):
    """A model outside the package: one 1x1 convolution."""

    size_divisor = 2

    def __init__(self, *, in_channels=1, classes=5):
        super().__init__()
        self.in_channels = in_channels
        self.head = nn.Conv2d(in_channels, classes, 1)

    def forward(self, images):
        """Logits of images."""
        padded = pad_to_multiple(images, in_channels=self.in_channels, size_divisor=2)
        return crop_like(self.head(10 * padded), images)


class Unpadded(Pixelwise):
    """Does not pad, nor check its images."""

    def forward(self, images):
        """Logits of images."""
        return self.head(images)[..., : images.shape[-2] // 2 * 2, :]


class Unused(Pixelwise):
    """Has a parameter that is not used."""

    def __init__(self, **options):
        super().__init__(**options)
        self.other = nn.Conv2d(1, 1, 1)


class Mixing(Pixelwise):
    """Subtracts the mean of the batch."""

    def forward(self, images):
        """Logits of images."""
        logits = super().forward(images)
        return logits - logits.mean()


def unused(*, in_channels=1, classes=5):
    """Build `Unused`."""
    return Unused(in_channels=in_channels, classes=classes)


@pytest.mark.parametrize(
    ("build", "summary", "message"),
    [
        (Pixelwise, "1x1 convolution", None),
        (Pixelwise, "1x1 convolution " * 5, "summary of 'plugin' is empty or too long"),
        (Unpadded, "no padding", "use `pad_to_multiple`"),
        (Unused, "bad signature", "not keyword-only"),
        (unused, "not all used", r"does not use other\.weight"),
        (Mixing, "mean of the batch", "mixes the images of a batch"),
    ],
)
def test_a_plugin_model_is_checked_by_the_same_contract(monkeypatch, build, summary, message):
    monkeypatch.setattr(registry, "_records", dict(registry._records))
    register("plugin", summary=summary, paper="none")(build)
    if message is None:
        check_model("plugin")
    else:
        with pytest.raises(AssertionError, match=message):
            check_model("plugin")
