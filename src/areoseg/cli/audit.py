"""`areoseg audit`."""

from pathlib import Path

from areoseg.cli.options import AsJson, Format, Out
from areoseg.cli.show import output, print_json, print_table


def audit(data: Path, *, out: Out, format: Format = "auto", json: AsJson = False) -> None:
    """Find out what is wrong with a data set; training leaves out what the audit rejects.

    Args:
        data: An npz file, a folder of images and masks, or a folder of AI4Mars.
        out: The folder to write audit.json and the contact sheet audit.png to.
        format: The format of the data, where it is not to be found out by looking.
        json: Write JSON for programs.
    """
    from areoseg import api

    scenes = api.read(data, format=format).labelled
    found = api.audit(scenes, out)
    if json:
        print_json(found.to_json())
        return
    counts: dict[tuple[str, str], int] = {}
    for finding in (*found.rejected, *found.flagged):
        key = (finding.fault, finding.action)
        counts[key] = counts.get(key, 0) + 1
    print_table(
        ["fault", "action", "pairs"],
        [[fault, action, str(count)] for (fault, action), count in counts.items()],
        title=f"{len(scenes)} pairs, {len(found.rejected)} rejected",
        numbers=["pairs"],
    )
    output.print(f"audit: {out}/audit.json, {out}/audit.png")
