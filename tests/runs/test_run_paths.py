from pathlib import Path

from areoseg.evaluation.model_under_test import open_model_under_test
from areoseg.inference.load import model_paths
from areoseg.runs.run import open_run, open_runs


def test_a_run_is_accepted_where_its_path_is():
    run = open_run("flagship-64")
    assert Path(run) == run.path
    assert open_run(run).path == run.path
    assert [each.path for each in open_runs(run)] == [run.path]
    assert open_model_under_test(run).path == run.path
    assert model_paths([run, "flagship-256"]) == [str(run.path), "flagship-256"]
