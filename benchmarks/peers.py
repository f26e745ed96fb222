"""Networks that a user would pick instead: of segmentation_models_pytorch and of MONAI.

They live in `.venv-bench`, which `make .venv-bench` makes. All begin from fresh weights, take one
channel and answer five classes. `register_peers()` enters them among the models, so that recipes
can name them and they train as any other. This file is also the command `areoseg` with them:

    .venv-bench/bin/python benchmarks/peers.py compare benchmarks/table1.yaml --data DATA
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from areoseg.cli.app import main
from areoseg.models.layers.size import crop_like, pad_to_multiple
from areoseg.models.registry import register


class Peer(nn.Module):
    """A network of another library with the interface of ours: padding and a size divisor.

    Args:
        network: Takes (N, C, H, W) and answers logits (N, classes, H, W).
        in_channels: C.
        size_divisor: What H and W must be multiples of, in pixels.
    """

    def __init__(self, network: nn.Module, *, in_channels: int, size_divisor: int) -> None:
        super().__init__()
        self.network = network
        self.in_channels = in_channels
        self.size_divisor = size_divisor

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes, H, W) of images (N, C, H, W)."""
        padded = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        return crop_like(self.network(padded), images)


def smp_unet_resnet18(*, in_channels: int = 1, classes: int = 5) -> Peer:
    """The U-Net of segmentation_models_pytorch on a ResNet-18."""
    return _smp_unet("resnet18", in_channels, classes)


def smp_unet_mobilenet(*, in_channels: int = 1, classes: int = 5) -> Peer:
    """The U-Net of segmentation_models_pytorch on a MobileNetV2."""
    return _smp_unet("mobilenet_v2", in_channels, classes)


def monai_basic_unet(*, in_channels: int = 1, classes: int = 5) -> Peer:
    """MONAI's BasicUNet with its default widths."""
    from monai.networks.nets import BasicUNet

    network = BasicUNet(spatial_dims=2, in_channels=in_channels, out_channels=classes)
    return Peer(network, in_channels=in_channels, size_divisor=16)


def monai_dynunet(*, in_channels: int = 1, classes: int = 5) -> Peer:
    """MONAI's DynUNet, halved as its tutorial does: as long as 8 pixels are left."""
    from monai.networks.nets import DynUNet

    strides = [(1, 1), (2, 2), (2, 2), (2, 2), (2, 2), (1, 2)]  # 64x128 to 4x4
    network = DynUNet(
        spatial_dims=2,
        in_channels=in_channels,
        out_channels=classes,
        kernel_size=[(3, 3)] * len(strides),
        strides=strides,
        upsample_kernel_size=strides[1:],
    )
    # It holds its blocks twice: by level, and nested as it computes. Weight files hold all once.
    for repeated in ("input_block", "downsamples", "bottleneck", "upsamples"):
        delattr(network, repeated)
    return Peer(network, in_channels=in_channels, size_divisor=32)


PEERS: dict[str, Callable[..., Peer]] = {
    "smp-unet-resnet18": smp_unet_resnet18,
    "smp-unet-mobilenet": smp_unet_mobilenet,
    "monai-basic-unet": monai_basic_unet,
    "monai-dynunet": monai_dynunet,
}
"""The peers by name."""


def register_peers() -> None:
    """Enter the peers among the models that recipes can name; once."""
    for name, build in PEERS.items():
        register(name, summary=str(build.__doc__), paper=_PROJECTS[name.partition("-")[0]])(build)


_PROJECTS = {
    "smp": "github.com/qubvel-org/segmentation_models.pytorch",
    "monai": "Cardoso et al. 2022, MONAI, arXiv 2211.02701",
}


def _smp_unet(encoder: str, in_channels: int, classes: int) -> Peer:
    _let_torchvision_load()
    import segmentation_models_pytorch as smp

    network = smp.Unet(encoder, encoder_weights=None, in_channels=in_channels, classes=classes)
    return Peer(network, in_channels=in_channels, size_divisor=32)


_operators: list[torch.library.Library] = []


def _let_torchvision_load() -> None:
    """Declare the operators that torchvision's Python part looks for as it is imported.

    Its compiled part belongs to another build of PyTorch and cannot be loaded beside this one.
    Nothing here calls them.
    """
    if _operators:
        return
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _operators.append(library)  # they live as long as it does


if __name__ == "__main__":
    register_peers()
    main()
