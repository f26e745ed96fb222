"""`areoseg models`."""

from typing import Any

from areoseg.cli.options import AsJson
from areoseg.cli.show import print_json, print_table
from areoseg.errors import AreosegError


def models(*, size: str = "64x128", json: AsJson = False) -> None:
    """List the models with their size and cost.

    Args:
        size: Height and width of the image that the multiply-accumulates are counted for.
        json: Write JSON for programs.
    """
    from areoseg.models import create_model, model_cost, records

    height, width = _size(size)
    rows: list[dict[str, Any]] = []
    for record in records():
        cost = model_cost(create_model(record.name), 1, height, width)
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
    print_table(
        ["model", "parameters", f"GMAC at {size}", "summary", "paper"],
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
        numbers=["parameters", f"GMAC at {size}"],
    )


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise AreosegError(f"--size {text}: write it as HEIGHTxWIDTH, such as 64x128")
    return int(height), int(width)
