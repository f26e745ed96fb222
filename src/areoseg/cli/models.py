"""`areoseg models`."""

from pathlib import Path

from areoseg.cli.options import Json
from areoseg.cli.show import output, print_json, print_table
from areoseg.errors import AreosegError


def models(
    name: str | None = None,
    /,
    *,
    size: tuple[int, int] = (64, 128),
    draw: Path | None = None,
    json: Json = False,
) -> None:
    """List the models with their size and cost, or the layers of one model.

    Example: `areoseg models compact-unet --draw compact-unet.png`

    Args:
        name: The model whose layers and reference are shown.
        size: Height and width of the image for which multiply-accumulates (MACs) are counted.
        draw: Draw the layers of the named model into this PNG file.
    """
    if name is not None:
        _print_model(name, size, draw, json)
    elif draw is not None:
        raise AreosegError(
            f"--draw {draw}: name a model, as in `areoseg models unet --draw unet.png`"
        )
    else:
        _print_models(size, json)


def _print_models(size: tuple[int, int], json: bool) -> None:
    import torch

    from areoseg.models import create_model, model_cost, records

    rows = []
    for record in records():
        with torch.device("meta"):
            cost = model_cost(create_model(record.name), 1, *size)
        rows.append((record, cost))
    if json:
        print_json(
            [
                {
                    "name": record.name,
                    "parameters": cost.parameters,
                    "macs": cost.macs,
                    "paper": record.paper,
                    "summary": record.summary,
                }
                for record, cost in rows
            ]
        )
        return
    print_table(
        ["model", "params", "GMAC", "summary"],
        [
            [
                record.name,
                f"{cost.parameters / 1e6:.2f} M",
                f"{cost.macs / 1e9:.2f}",
                record.summary,
            ]
            for record, cost in rows
        ],
        title=f"MACs at {size[0]}x{size[1]}; `areoseg models NAME` shows layers and reference",
        numbers=["params", "GMAC"],
    )


def _print_model(name: str, size: tuple[int, int], draw: Path | None, json: bool) -> None:
    import torch

    from areoseg.models import create_model, record
    from areoseg.models.inspect import list_layers

    registered = record(name)
    with torch.device("meta"):
        model = create_model(name)
    layers = list_layers(model, 1, *size)
    if json:
        print_json([vars(layer) for layer in layers])
    else:
        print_table(
            ["layer", "kind", "channels", "map", "parameters", "MMAC"],
            [
                [
                    layer.name,
                    layer.kind,
                    str(layer.channels),
                    f"{layer.height}x{layer.width}" if layer.height else "-",
                    str(layer.parameters),
                    f"{layer.macs / 1e6:.2f}",
                ]
                for layer in layers
            ],
            title=f"{name}: {registered.summary}\n{registered.paper}",
            numbers=["channels", "parameters", "MMAC"],
        )
    if draw is not None:
        from areoseg.report.architecture import draw_architecture

        height, width = size
        draw_architecture(layers, draw, title=f"{name} at {height}x{width}", height=height)
        if not json:
            output.print(f"picture: {draw}")
