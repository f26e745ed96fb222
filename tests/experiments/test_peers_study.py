"""The study of the peers, with stand-ins for networks that only `.venv-bench` has."""

import importlib
from pathlib import Path

import pytest
from torch import nn

from areoseg.errors import AreosegError
from areoseg.experiments.study import load_study
from areoseg.models import registry

ROOT = Path(__file__).parents[2]
PEERS_STUDY = ROOT / "benchmarks" / "table1.yaml"


@pytest.fixture
def peers(monkeypatch):
    """The module `peers`, its networks replaced and entered among the models for this test."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    module = importlib.import_module("peers")

    def stand_in(*, in_channels=1, classes=5):
        """One convolution."""
        network = nn.Conv2d(in_channels, classes, 1)
        return module.Peer(network, in_channels=in_channels, size_divisor=1)

    monkeypatch.setattr(module, "PEERS", dict.fromkeys(module.PEERS, stand_in))
    monkeypatch.setattr(registry, "_records", dict(registry._records))
    module.register_peers()
    return module


def test_every_peer_is_a_row_and_only_the_network_differs_between_them(peers):
    flagship, *rows = load_study(PEERS_STUDY).content.sections[0].rows
    assert flagship.name == "flagship"
    trials = [trial for trial in load_study(PEERS_STUDY).trials if trial.row != "flagship"]
    assert {trial.row for trial in trials} == {row.name for row in rows} == set(peers.PEERS)
    assert all(trial.recipe.model.name == trial.row for trial in trials)
    settings = [trial.recipe.model_copy(update={"model": None}) for trial in trials]
    assert all(each == settings[0] for each in settings)
    assert {trial.budget_seconds for trial in trials} == {600}


def test_the_flagship_of_table_1_is_taken_over_and_not_trained_again(peers):
    trained = {trial.place: trial for trial in load_study("table1").trials}
    ours = [trial for trial in load_study(PEERS_STUDY).trials if trial.row == "flagship"]
    assert len(ours) == 3
    for trial in ours:
        assert trained[trial.place].same_experiment(trial.recipe, trial.budget_seconds)


def test_without_the_peers_the_study_says_which_models_are_not_there():
    with pytest.raises(AreosegError, match=r"table1\.yaml:2: .*no model 'monai-basic-unet'"):
        load_study(PEERS_STUDY)
