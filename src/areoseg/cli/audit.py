"""`areoseg audit`."""

from pathlib import Path

from areoseg.cli.options import AsJson, Format, Labels, Out
from areoseg.cli.show import output, print_json, print_table


def audit(
    data: Path,
    /,
    *,
    out: Out,
    format: Format = "auto",
    labels: Labels = "crowd",
    json: AsJson = False,
) -> None:
    """Find out what is wrong with a data set; training leaves out what the audit rejects.

    Args:
        data: An npz file, a folder of images and masks, or a folder of AI4Mars.
        out: The folder to write audit.json and the contact sheet audit.png to.
        format: The format of the data: npz, folder, ai4mars, ai4mars-flat or images; auto finds out
            by looking.
        labels: Which labels of AI4Mars as distributed: crowd, or expert-1, expert-2, expert-3 for
            pixels on which at least that many experts agree.
        json: Print JSON for programs instead of tables.
    """
    from areoseg import api

    scenes = api.read(data, format=format, labels=labels).labelled
    found = api.audit(scenes, out)
    if json:
        print_json(found.to_json())
        return
    counts: dict[tuple[str, str], int] = {}
    for finding in (*found.rejected, *found.flagged):
        key = (finding.fault, finding.action)
        counts[key] = counts.get(key, 0) + 1
    output.print(f"{len(scenes)} labelled images, {len(found.rejected)} rejected")
    if counts:
        print_table(
            ["fault", "action", "images"],
            [[fault, action, str(count)] for (fault, action), count in counts.items()],
            numbers=["images"],
        )
    output.print(f"audit: {out}/audit.json, {out}/audit.png")
