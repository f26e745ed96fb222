"""`areoseg models`."""

from pathlib import Path
from typing import Any

from areoseg.cli.options import AsJson
from areoseg.cli.options import height_and_width
from areoseg.cli.show import output
from areoseg.cli.show import print_json
from areoseg.cli.show import print_table
from areoseg.errors import AreosegError


def models(
    name: str | None = None,
    /,
    *,
    size: str = "64x128",
    draw: Path | None = None,
    json: AsJson = False,
) -> None:
    """List the models with their size and cost, or the layers of one.

    Args:
        name: The model whose layers are listed.
        size: Height and width of the image that the multiply-accumulates are counted for.
        draw: A PNG file for a picture of the named model.
        json: Print JSON for programs instead of tables.
    """
    height, width = height_and_width(size, "--size")
    if name is not None:
        _one_model(name, height, width, draw, json)
    elif draw is not None:
        raise AreosegError(f"--draw {draw}: which model? `areoseg models unet --draw unet.png`")
    else:
        _all_models(height, width, json)


def _all_models(height: int, width: int, json: bool) -> None:
    import torch

    from areoseg.models import create_model
    from areoseg.models import model_cost
    from areoseg.models import records

    rows: list[dict[str, Any]] = []
    for record in records():
        with torch.device("meta"):
            model = create_model(record.name)
        cost = model_cost(model, 1, height, width)
        rows.append(
            {
                "name": record.name,
                "parameters": cost.parameters,
                "macs": cost.macs,
                "paper": record.paper,
                "summary": record.summary,
            }
        )
    if json:
        print_json(rows)
        return
    gmacs = f"GMAC at {height}x{width}"
    print_table(
        ["model", "parameters", gmacs, "summary", "paper"],
        [
            [
                row["name"],
                f"{row['parameters'] / 1e6:.3f} M",
                f"{row['macs'] / 1e9:.3f}",
                row["summary"],
                row["paper"],
            ]
            for row in rows
        ],
        numbers=["parameters", gmacs],
    )


def _one_model(name: str, height: int, width: int, draw: Path | None, json: bool) -> None:
    import torch

    from areoseg.models import create_model
    from areoseg.models import record
    from areoseg.models.inspect import list_layers

    chosen = record(name)
    with torch.device("meta"):
        model = create_model(name)
    layers = list_layers(model, 1, height, width)
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
            title=f"{name}: {chosen.summary}\n{chosen.paper}",
            numbers=["channels", "parameters", "MMAC"],
        )
    if draw is not None:
        from areoseg.report.architecture import draw_architecture

        draw_architecture(layers, draw, title=f"{name} at {height}x{width}", height=height)
        if not json:
            output.print(f"picture: {draw}")
