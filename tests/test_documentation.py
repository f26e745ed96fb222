"""The code in README.md and docs/ works: Python is run, commands are parsed or run, YAML is loaded.

A block that cannot be run has the comment `<!-- not run: reason -->` on the line before it.
Trainings are replaced by one of seconds, and the datasets, images and runs that the pages name by
tiny ones.
"""

import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import areoseg
from areoseg.cli.app import app
from areoseg.data.description import read_description
from areoseg.experiments.space import load_space
from areoseg.experiments.study import load_study
from areoseg.recipes import load_recipe, recipe_names
from areoseg.synthetic import SyntheticMars, draw_set

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]

FENCE = re.compile(
    r"(?:^[ ]*<!-- not run: (?P<reason>.+) -->\n\s*)?"
    r"^(?P<indent>[ ]*)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)

OTHER_PROGRAMS = {"pip", "python", "python3", "source", "py", "conda", "for", "do", "done"}
"""First words of lines that are not tested, unless they run a file of this repository."""

RUN_PAGES = {
    "README",
    "index",
    "audit",
    "data",
    "export",
    "improving",
    "models",
    "recipes",
    "prediction",
    "scale",
}
"""Pages whose commands are run in order; the others need real data and hours."""

LONG = {"demo", "bench", "compare", "search", "self-train"}
"""Commands that take longer than a few seconds even on tiny data: they are parsed only."""

SLOW = [
    ["models"],
    ["export", "flagship-256", "--format", "onnx", "--out", "mars.onnx"],
    ["export", "runs/first", "--format", "onnx", "--out", "mars.onnx"],
]
"""Commands that other tests run, or that a test here has run already: they are parsed only."""

LONG_OPTIONS = {"--cross-validate", "--install-completion", "openvino", "openvino-int8"}
ABSENT = {"mars-int8.xml", "frame.IMG", "flagship-64", "other/", "street", "mine"}
"""Arguments of commands that are parsed only: files that are costly to make, data of others."""

TINY = (
    "model.widths=[4,8]",
    "training.batch_size=8",
    "training.epochs=1",
    "training.precision=float32",
    "split.val=0.25",
    "split.test=0.25",
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    reason: str | None

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def _blocks() -> list[Block]:
    blocks = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            content = re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
            line = text.count("\n", 0, match.start("text"))
            blocks.append(Block(page, line, match["language"], content, match["reason"]))
    return blocks


BLOCKS = _blocks()


def _lines(block: Block) -> list[list[str]]:
    """The shell lines of a block, split into words, without comments."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [
        words for line in lines if (words := shlex.split(line.replace("$fold", "0"), comments=True))
    ]


def _commands(block: Block) -> list[list[str]]:
    """The arguments of each `areoseg` in a block."""
    return [words[1:] for words in _lines(block) if words[0] == "areoseg"]


def _is_shell(block: Block) -> bool:
    known = {"areoseg", "make", ".venv-bench/bin/python", ".venv/bin/pip", *OTHER_PROGRAMS}
    lines = (line.split() for line in block.text.splitlines())
    return block.language == "" and any(words[0] in known for words in lines if words)


SHELL = [block for block in BLOCKS if _is_shell(block)]
PYTHON_PAGES = sorted({block.page for block in BLOCKS if block.language == "python"})
COMMAND_PAGES = sorted({block.page for block in SHELL if block.page.stem in RUN_PAGES})


def _page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def prepared(samples, homework_npz, tmp_path_factory):
    """A folder with everything that the pages name."""
    folder = tmp_path_factory.mktemp("documentation")
    for name in ("mars", "mars_for_students"):
        shutil.copy(homework_npz, folder / f"{name}.npz")
        shutil.copy(homework_npz.with_name("mars_groups.txt"), folder / f"{name}_groups.txt")
    other = draw_set(SyntheticMars(height=32, width=64), 8, first=1000).stacked()
    np.savez(folder / "other.npz", training_set=np.stack(other, axis=1))
    images, masks = samples.stacked()
    (folder / "photos").mkdir()
    for name in ("photo.jpg", "frame.png", "photos/a.jpg", "photos/b.png"):
        Image.fromarray(images[0]).save(folder / name)
    for kind, arrays in (("images", images), ("masks", masks)):
        (folder / "frames" / kind).mkdir(parents=True)
        (folder / "desert" / kind).mkdir(parents=True)
        for index in range(2):
            frame = np.kron(arrays[index], np.ones((8, 8), np.uint8))
            Image.fromarray(frame).save(folder / "frames" / kind / f"{index}.png")
            Image.fromarray(arrays[index]).save(folder / "desert" / kind / f"{index}.png")
    (folder / "classes.yaml").write_text("classes: [background, sand, ripple, outcrop, boulder]\n")
    areoseg.train("unet", folder / "mars.npz", folder / "runs/first", overrides=TINY)
    for name in ("a", "b", "c"):
        shutil.copytree(folder / "runs/first", folder / "runs" / name)
    return folder


@pytest.fixture
def workspace(prepared, tmp_path, monkeypatch):
    """A copy of the prepared folder as the working folder, in which trainings take a second."""
    train = areoseg.train

    def short_train(recipe, data, out, *, overrides=(), budget=None, init_from=None, **options):
        load_recipe(recipe, overrides)
        shutil.rmtree(out, ignore_errors=True)
        return train("unet", data, out, overrides=TINY, **options)

    folder = tmp_path / "workspace"
    shutil.copytree(prepared, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(areoseg, "train", short_train)
    return folder


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=_page_name)
def test_python_runs(page, workspace):
    """The blocks of a page are run in order, in one namespace."""
    _make_exports(page)
    namespace: dict[str, object] = {"__name__": "documentation"}
    for block in BLOCKS:
        if block.page != page or block.language != "python" or block.reason:
            continue
        if file := re.match(r"# (\w+\.py)\n", block.text):
            Path(file[1]).write_text(block.text)
            continue
        exec(compile("\n" * block.line + block.text, str(page), "exec"), namespace)


def _make_exports(page: Path) -> None:
    if page.stem == "audit":
        areoseg.audit("frames", "audit", scale=0.25, tile=(64, 128))
        shutil.copy("audit/audit.json", "decisions.json")
    if page.stem == "export":
        areoseg.export("runs/first", "onnx", "mars.onnx")


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.where)
def test_commands_are_valid(block):
    """Commands and options exist, values have the right types, recipes and overrides are valid."""
    targets = re.findall(r"^([\w.-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for words in _lines(block):
        program, *rest = words
        script = next((word for word in rest if word.startswith("benchmarks/")), None)
        if program == "areoseg":
            _check_command(rest)
        elif program == "make":
            assert rest[0] in targets or rest[0] == ".venv/.installed", f"no target {rest[0]}"
        elif script == "benchmarks/peers.py":
            _check_command(rest[1:])
        elif script is not None:
            source = (ROOT / script).read_text()
            for option in (word for word in rest if word.startswith("--")):
                assert f'"{option}"' in source, f"{script} has no option {option}"
        else:
            assert program in OTHER_PROGRAMS or program.startswith(".venv"), program


def _check_command(words: list[str]) -> None:
    if words[0] in ("--version", "--install-completion"):
        return
    command, arguments, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    assert command.__name__ == words[0].replace("-", "_")
    recipe, overrides = (arguments.arguments.get(name) for name in ("recipe", "overrides"))
    if recipe in recipe_names():
        load_recipe(recipe, overrides or ())


@pytest.mark.parametrize("page", COMMAND_PAGES, ids=_page_name)
def test_commands_run(page, workspace, monkeypatch, capsys):
    """The commands of a page are run in order, without those that need much time or other data."""
    monkeypatch.setenv("COLUMNS", "200")
    if page.stem in ("export", "prediction"):
        areoseg.export("runs/first", "onnx", "mars.onnx")
    if page.stem == "audit":
        areoseg.audit("mars.npz", "audit")
        shutil.copy("audit/audit.json", "decisions.json")
    for block in BLOCKS:
        if block.page != page or block.reason or not _is_shell(block):
            continue
        for words in _commands(block):
            if words[0] in LONG or words in SLOW or {*words} & {*LONG_OPTIONS, *ABSENT}:
                continue
            for option, value in pairwise(words):
                if option == "--out" and words[0] != "predict":
                    shutil.rmtree(value, ignore_errors=True)
            if words[:2] == ["recipes", "copy"]:
                Path(words[3]).unlink(missing_ok=True)
            app(words, exit_on_error=False, print_error=False, result_action="return_value")


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "yaml"], ids=lambda block: block.where
)
def test_yaml_is_valid(block, workspace):
    """Recipes, studies, search spaces and dataset descriptions are loaded by their readers."""
    for plugin in BLOCKS:
        if file := re.match(r"# (\w+\.py)\n", plugin.text):
            Path(file[1]).write_text(plugin.text)
    path = Path("block.yaml")
    path.write_text(block.text)
    keys = yaml.safe_load(block.text).keys()
    if "classes" in keys:
        read_description(path)
    elif "sections" in keys:
        load_study(path)
    elif any("." in key for key in keys):
        load_space(path)
    else:
        load_recipe(path)


@pytest.mark.parametrize("page", PAGES, ids=_page_name)
def test_inline_commands_exist(page, capsys):
    """`areoseg COMMAND --option` in the text names a command and options of it."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for code in re.findall(r"`areoseg ([a-z][^`]*)`", text):
        name, *rest = code.split()
        app.help_print([name])
        known = {"--help", "--version", *re.findall(r"--[a-z-]+", capsys.readouterr().out)}
        unknown = {word for word in rest if word.startswith("--")} - known
        assert not unknown, f"`areoseg {code}`: no option {unknown}"


@pytest.mark.parametrize("page", PAGES[:2], ids=_page_name)
def test_links_lead_somewhere(page):
    """`mkdocs build --strict` checks the links of docs/."""
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_api_pages_have_every_public_name():
    """All names of `areoseg` and of its public packages are in docs/api/."""
    pages = "\n".join(page.read_text() for page in (ROOT / "docs" / "api").glob("*.md"))
    documented = {*re.findall(r"^::: (\S+)", pages, re.MULTILINE), "areoseg.recipes.schema"}
    modules = [sys.modules[name] for name in documented & sys.modules.keys()]
    packages = (
        "audit",
        "evaluation",
        "inference",
        "losses",
        "models",
        "optim",
        "recipes",
        "transforms",
    )
    homes = [areoseg, *(import_module(f"areoseg.{package}") for package in packages)]
    missing = []
    for home in homes:
        for name in home.__all__:
            value = getattr(home, name)
            on_page = any(vars(module).get(name) is value for module in modules)
            if not on_page and not re.search(rf"\b{name}\b", pages):
                missing.append(f"{home.__name__}.{name}")
    assert not missing
