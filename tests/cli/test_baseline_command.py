import json

import pytest

from areoseg.cli.app import app
from areoseg.errors import AreosegError
from areoseg.evaluation.baselines import BASELINES


def areoseg(*arguments):
    app([str(argument) for argument in arguments], result_action="return_value")


def test_all_baselines_are_a_table(homework_npz, capsys):
    areoseg("baseline", "all", "split.test=0.25", "--data", homework_npz)
    printed = capsys.readouterr().out
    for word in (*BASELINES, "terrain", "keras", "all-pixels", "five-class"):
        assert word in printed


def test_labels_that_the_data_do_not_have_are_refused(homework_npz):
    with pytest.raises(AreosegError, match="format 'npz' has no 'expert-1' labels"):
        areoseg("baseline", "random", "--data", homework_npz, "--label-set", "expert-1")


@pytest.mark.parametrize("part", ["val", "test"])
def test_one_baseline_is_json_for_programs(part, homework_npz, capsys):
    areoseg("baseline", "random", "--data", homework_npz, "--split", part, "--json")
    values = json.loads(capsys.readouterr().out)
    assert values.keys() == {"random"}
    assert 0 < values["random"]["protocols"]["five-class"]["score"] < 0.2
