"""The model card of a bundle, in Markdown: what it is, what it scores, and where it ends.

After Mitchell et al. 2019, "Model Cards for Model Reporting", arXiv 1810.03993.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from areoseg.errors import plural
from areoseg.inference.scale import trained_scale
from areoseg.runs.run import SCORES
from areoseg.runs.run import WEIGHTS
from areoseg.runs.run import Run
from areoseg.utils.files import read_json

SPLITS = {"test": "test", "val": "validation"}
"""The parts of the split that are scored, and what the card calls them."""

FEW_PIXELS = 0.01
"""Share of the training pixels below which a class counts as rare."""


def model_card(run: Run) -> str:
    """The card of a bundle.

    Args:
        run: The bundle, whose info have the entry `bundle`.
    """
    scores = read_json(run.path / SCORES) if (run.path / SCORES).is_file() else {}
    sections = [
        _head(run),
        "## Use\n\n" + _use(run),
        "## Scores\n\n" + _scores(run, scores),
        "## Training\n\n" + _training(run),
        "## Weights\n\n" + _weights(run),
        "## Limits\n\n" + _limits(run, scores),
        "## License\n\n" + _license(run),
    ]
    return "\n\n".join(sections) + "\n"


def _head(run: Run) -> str:
    model = run.info.model
    height, width = model.size
    return (
        f"# {run.name}\n\n{run.recipe.summary}. A `{run.recipe.model.name}` of"
        f" {model.parameters / 1e6:.2f} million parameters and {model.macs / 1e9:.2f} GMAC an"
        f" image of {height}x{width} pixels, trained from scratch. Each pixel of a gray image"
        f" becomes one of: {', '.join(run.taxonomy.names)}."
    )


def _use(run: Run) -> str:
    return (
        "```\n"
        f"areoseg predict {run.name} photos/ --out masks\n"
        f"areoseg evaluate {run.name} --data DATA\n"
        f"areoseg export {run.name} --to onnx --out {run.name}.onnx\n"
        "```"
    )


def _scores(run: Run, scores: Mapping[str, Any]) -> str:
    """Two tables: mean IoU by protocol, and IoU by class under the headline protocol."""
    parts = {name: scores[part] for part, name in SPLITS.items() if scores.get(part)}
    if not parts:
        return "No part of the data was held out, so there are none."
    heads = [f"{name}, {found['images']} images" for name, found in parts.items()]
    protocols = _rows("protocols", "score", list(parts.values()))
    classes = _rows("classes", "iou", list(parts.values()))
    headline = next(iter(parts.values()))["protocol"]
    choice = {
        "best": "Validation chose the weights, so that its scores are too high.",
        "last": "The weights are the last of the training; no part chose them.",
    }[run.recipe.training.checkpoint]
    return (
        f"Mean IoU over all pixels of a part, with 95 % intervals by bootstrap. {choice}\n\n"
        f"{_table(['protocol', *heads], protocols)}\n\n"
        f"IoU by class, protocol `{headline}`:\n\n{_table(['class', *heads], classes)}"
    )


def _rows(section: str, key: str, parts: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    """A row for each entry of a section of the scores, and a figure for each part."""
    for name in parts[0][section]:
        figures = [_with_interval(part[section][name], key) for part in parts]
        if any(figure != "-" for figure in figures):  # a protocol may leave a class out
            yield [name, *figures]


def _training(run: Run) -> str:
    data = run.info.data
    held = ", ".join(f"{len(run.split.get(part, ()))} in {name}" for part, name in SPLITS.items())
    groups = f" in {data.groups} groups, which the split does not part" if data.groups else ""
    lines = [
        f"- Data: {data.source.path}: {data.labeled} labeled samples{groups};"
        f" {data.rejected} rejected by the audit, {len(run.split['train'])} trained on, {held}.",
        f"- Shares of the training pixels: {_shares(data.training_shares)}.",
    ]
    seconds = run.info.training_seconds
    if seconds:
        lines.append(
            f"- Time: {seconds / 60:.0f} minutes for {run.info.steps or 'all'} steps, on"
            f" {plural(run.info.threads, 'thread')} of a {run.info.device} in"
            f" {run.info.precision}."
        )
    start = run.info.initial_weights
    if start is not None:
        minutes = start.training_seconds / 60
        lines.append(f"- It began with the weights of {start.run}: {minutes:.0f} minutes more.")
    if run.info.calibration is not None:
        lines.append(
            "- Calibrated on the validation part, whose scores are therefore a little too high."
        )
    if run.info.soup is not None:
        names = (each.name for each in run.info.soup.ingredients if each.selected)
        lines.append(f"- The weights are the mean of the runs {', '.join(names)}.")
    if run.info.self_training is not None:
        taught = run.info.self_training
        lines.append(
            f"- Trained on pseudo-labels of the runs {', '.join(taught.teachers)} as well:"
            f" {taught.samples} samples that nobody has labeled."
        )
        if taught.training_seconds:
            minutes = taught.training_seconds / 60
            lines.append(f"- The runs that made them were trained for {minutes:.0f} minutes more.")
    if run.info.command:
        commands = run.commands
        if run.calibrated_later:
            commands.append("areoseg calibrate RUN    # the folder that --out names")
        lines += ["", "To make it again:", "", "```", *commands, "```"]
    lines += ["", "`recipe.yaml` beside this card has every value."]
    if run.info.budget_seconds and run.info.self_training is None:
        lines.append(
            "A time budget gives as many steps as there is time for; with"
            f" `--plan {run.name}` instead of `--budget` they are those of this run."
        )
    return "\n".join(lines)


def _weights(run: Run) -> str:
    bundle = run.info.bundle
    assert bundle is not None
    size = (run.path / WEIGHTS).stat().st_size / 1e6
    return (
        f"`{WEIGHTS}`, {size:.1f} MB: filters in float16, vectors as they were trained. Beside the"
        f" float32 weights (sha256 {bundle.weights_sha256}), on {bundle.compared_on}:"
        f" {bundle.equal_pixels:.3%} of the pixels are equal, `terrain` is {bundle.terrain:.4f}"
        f" instead of {bundle.terrain_of_run:.4f}."
    )


def _limits(run: Run, scores: Mapping[str, Any]) -> str:
    scale = trained_scale(run)
    lines = [
        "- Scores are of images like those of the training. Other cameras, sites, light and dust"
        " are not tested.",
        "- Labels are people's opinions, and so are the scores against them. Do not drive by these"
        " masks alone.",
    ]
    if scale is not None:
        lines.append(
            f"- It has learned at {scale:g} of the scale of a full Navcam frame. Images whose scale"
            " is not known need `--scale`."
        )
    if run.recipe.data.background == "void":
        background = run.taxonomy.names[run.taxonomy.background]
        lines.append(
            f"- It never answers {background}: sky, rover and what nobody labeled get the terrain"
            " that they look most like."
        )
    shares = run.info.data.training_shares
    rare = [name for name, share in shares.items() if share < FEW_PIXELS]
    if rare:
        lines.append(
            f"- Rare in the training: {', '.join(rare)}. Expect to miss most of it where the table"
            " says so, and wide intervals."
        )
    return "\n".join(lines)


def _license(run: Run) -> str:
    bundle = run.info.bundle
    assert bundle is not None
    credit = f" Training data: {bundle.credit.rstrip('.')}." if bundle.credit else ""
    return f"Weights: {bundle.license}.{credit}"


def _with_interval(entry: Mapping[str, Any], key: str) -> str:
    if entry[key] is None:
        return "-"
    low, high = entry["interval"]
    return f"{entry[key]:.3f}" + ("" if low is None else f" ({low:.3f} to {high:.3f})")


def _shares(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.2%}" for name, share in shares.items())


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows))
