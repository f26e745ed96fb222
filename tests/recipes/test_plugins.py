"""Plugins: components from outside the package, and when their code is run."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

import areoseg
from areoseg.data import load
from areoseg.errors import AreosegError
from areoseg.losses import LOSSES
from areoseg.models import records
from areoseg.models import registry as model_registry
from areoseg.optim import SCHEDULES
from areoseg.recipes import dump_recipe, load_recipe, parse_recipe, write_recipe
from areoseg.testing import check_loss
from areoseg.utils import plugins

PLUGIN = '''\
"""A model and a loss of one's own."""

from torch import nn

from areoseg.losses import register_loss
from areoseg.losses.base import at_label, prepare, weighted_mean
from areoseg.models import register


@register("my-net", summary="one convolution", paper="none")
class MyNet(nn.Module):
    def __init__(self, *, in_channels: int = 1, classes: int = 5, kernel: int = 3) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, classes, kernel, padding=kernel // 2)

    def forward(self, images):
        return self.convolution(images)


@register_loss("my-loss")
def my_loss(logits, targets, *, power: float = 1.0):
    """Return the mean error of the true class."""
    logits, labels, known = prepare(logits, targets)
    error = 1 - at_label(logits.softmax(dim=1), labels)
    return weighted_mean(error.pow(power), known.float())
'''
RECIPE = """\
summary: my own
plugins: my_net.py
model: {name: my-net, kernel: 5}
loss: {ce: 1.0, my-loss: {power: 2.0}}
training: {epochs: 1, batch_size: 8, precision: float32}
split: {val: 0.25, test: 0.25}
"""


@pytest.fixture(autouse=True)
def forget_plugins(monkeypatch):
    """Forgets, before a test and when called, all registered components and executed files."""
    components = [(registry, dict(registry._components)) for registry in (LOSSES, SCHEDULES)]
    models = dict(model_registry._records)

    def forget():
        for registry, registered in components:
            monkeypatch.setattr(registry, "_components", dict(registered))
        monkeypatch.setattr(model_registry, "_records", dict(models))
        monkeypatch.setattr(plugins, "_loaded", set())

    monkeypatch.delenv(plugins.ALLOW, raising=False)
    forget()
    return forget


@pytest.fixture
def own(tmp_path):
    """A recipe with its plugin beside it."""
    (tmp_path / "my_net.py").write_text(PLUGIN)
    path = tmp_path / "own.yaml"
    path.write_text(RECIPE)
    return path


def test_a_recipe_runs_its_plugins_before_it_is_validated(own, monkeypatch):
    monkeypatch.chdir(own.parent.parent)
    recipe = load_recipe(own)
    assert recipe.plugins == (str((own.parent / "my_net.py").resolve()),)
    assert recipe.model.options == {"kernel": 5}
    assert recipe.loss.terms["my-loss"].options == {"power": 2.0}
    assert load_recipe(own) == parse_recipe(dump_recipe(recipe)) == recipe
    check_loss("my-loss")


def test_all_errors_come_at_once_also_those_of_the_components_of_a_plugin(own):
    own.write_text(RECIPE.replace("kernel: 5", "kernal: 5").replace("power: 2.0", "pover: 2"))
    with pytest.raises(AreosegError) as caught:
        load_recipe(own, ["training.epochs=0"])
    first, second, third = str(caught.value).splitlines()
    assert first.startswith(f"{own}:3: model.kernal: ")
    assert "did you mean 'kernel'?" in first
    assert second == f"{own}:4: loss.my-loss.pover: no such value: did you mean 'power'?"
    assert third.startswith("override training.epochs")


def test_an_unknown_model_is_reported_with_its_line_and_all_other_errors(tmp_path):
    text = "summary: mine\nmodel:\n  name: unett\noptimizer: {lr: -1}\n"
    with pytest.raises(AreosegError) as caught:
        parse_recipe(text, source="bad.yaml")
    first, second = str(caught.value).splitlines()
    assert first.startswith("bad.yaml:3: model.name: there is no model 'unett': did you mean")
    assert second.startswith("bad.yaml:4: optimizer.lr: input should be greater than 0")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "cannot read this plugin"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 +", "SyntaxError"),
    ],
)
def test_a_plugin_that_cannot_be_run_is_named_with_the_line_of_the_recipe(own, content, expected):
    plugin = own.parent / "my_net.py"
    plugin.unlink() if content is None else plugin.write_text(content)
    with pytest.raises(AreosegError, match=expected) as caught:
        load_recipe(own)
    assert str(caught.value).startswith(f"{own}:2: plugins: {plugin}: ")


def test_a_plugin_of_an_override_is_relative_to_the_current_folder(own, monkeypatch):
    monkeypatch.chdir(own.parent)
    recipe = load_recipe("unet", ["plugins=[my_net.py]", "loss=my-loss"])
    assert list(recipe.loss.terms) == ["my-loss"]


def test_an_edited_file_replaces_its_components_and_another_file_must_not(own):
    load_recipe(own)
    plugin = own.parent / "my_net.py"
    plugin.write_text(PLUGIN.replace("power: float = 1.0", "power: float = 3.0"))
    plugins.load_plugin(plugin)
    assert LOSSES["my-loss"].defaults["power"] == 3.0
    other = own.parent / "other.py"
    other.write_text(PLUGIN + "\n")
    with pytest.raises(AreosegError, match="two models are called 'my-net'"):
        plugins.load_plugin(other)


def test_a_run_folder_gets_copies_and_does_not_run_them_unless_allowed(own, monkeypatch):
    folder = own.parent / "run"
    folder.mkdir()
    write_recipe(load_recipe(own), folder / "recipe.yaml")
    assert (folder / "plugins" / "my_net.py").read_text() == PLUGIN
    assert "- plugins/my_net.py" in (folder / "recipe.yaml").read_text()

    copy = load_recipe(folder / "recipe.yaml", plugins="if-allowed")  # the same file has been run
    assert copy.loss == load_recipe(own).loss

    monkeypatch.setattr(plugins, "_loaded", set())
    with pytest.raises(AreosegError, match="add --allow-plugins"):
        load_recipe(folder / "recipe.yaml", plugins="if-allowed")
    monkeypatch.setenv(plugins.ALLOW, "1")
    monkeypatch.setattr(model_registry, "_records", {})
    monkeypatch.setattr(LOSSES, "_components", {"ce": LOSSES["ce"]})
    load_recipe(folder / "recipe.yaml", plugins="if-allowed")
    assert "my-loss" in LOSSES


def test_an_exported_model_needs_no_plugins(own):
    text = dump_recipe(load_recipe(own, ["data.background=class"]))
    LOSSES._components.pop("my-loss")
    model_registry._records.pop("my-net")
    recipe = parse_recipe(text, plugins="ignore")
    assert recipe.data.background == "class"
    assert recipe.model.name == "my-net"
    assert list(recipe.loss.terms) == ["ce"]


def entry_point(load):
    return SimpleNamespace(name="mine", value="my_package.areoseg", load=load)


def installed(monkeypatch, load):
    monkeypatch.setattr(plugins, "entry_points", lambda group: [entry_point(load)])
    monkeypatch.setattr(plugins, "_entry_points_loaded", False)


def test_installed_plugins_are_loaded_once_when_a_name_is_unknown_or_names_are_listed(monkeypatch):
    calls = []

    def plugin():
        calls.append(1)
        SCHEDULES.register("mine", summary="mine")(lambda progress, *, end=0.0: 1.0)

    installed(monkeypatch, lambda: plugin)
    load_recipe("unet", ["schedule=cosine"])
    assert load_recipe("unet", ["schedule=mine"]).schedule.options == {"end": 0.0}
    assert "mine" in list(SCHEDULES)
    assert records()
    assert calls == [1]


def test_an_installed_plugin_that_fails_is_left_out_with_a_warning(monkeypatch):
    def load():
        raise ImportError("no module named 'else'")

    installed(monkeypatch, load)
    with pytest.warns(RuntimeWarning, match=r"plugin 'mine' \(my_package\.areoseg\): no module"):
        assert "cosine" in list(SCHEDULES)


def test_a_run_with_plugins_is_used_from_any_folder_with_the_users_consent(
    own, homework_npz, run_command, forget_plugins, tmp_path_factory
):
    run = own.parent / "run"
    areoseg.train(own, homework_npz, run)
    own.unlink()
    (own.parent / "my_net.py").unlink()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    evaluate = ["evaluate", run, "--data", homework_npz]

    def command(*words):
        forget_plugins()
        return run_command(*words, cwd=elsewhere)

    refused = command(*evaluate)
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert f"needs the plugin {run}/plugins/my_net.py, which is code" in line
    done = command(*evaluate, "--allow-plugins")
    assert done.returncode == 0, done.stderr
    done = command("validate", run / "recipe.yaml")
    assert done.returncode == 0, done.stderr
    assert "my-loss" in done.stdout


def test_a_plugin_may_register_a_dataset_format(monkeypatch, tmp_path, homework_npz):
    monkeypatch.setattr(load, "_plugin_formats", {})
    mine = replace(
        load.FORMATS["npz"],
        name="mine",
        recognize=lambda path: path.suffix == ".mine",
        find=lambda path, *rest: load.FORMATS["npz"].find(homework_npz, *rest),
    )
    installed(monkeypatch, lambda: lambda: load.register_format(mine))
    path = tmp_path / "tiles.mine"
    path.touch()
    assert load.recognize_format(path) == "mine"
    assert len(load.read_data(path).labeled) == len(load.read_data(homework_npz).labeled)
    with pytest.raises(ValueError, match="two dataset formats are called 'npz'"):
        load.register_format(load.FORMATS["npz"])
