"""Run info: what `run.json` has to hold, and what is said where it does not."""

import json
from pathlib import Path

import pytest

from areoseg.data.load import Source
from areoseg.errors import AreosegError
from areoseg.runs.info import RunInfo
from areoseg.runs.run import open_run
from areoseg.taxonomy import MARS
from areoseg.weights import bundled_names


@pytest.mark.parametrize("name", bundled_names())
def test_info_of_bundled_models_is_read_and_written_without_a_change(name, tmp_path):
    run = open_run(name)
    run.info.write(tmp_path / "run.json")
    written = (tmp_path / "run.json").read_text()
    assert json.loads(written) == json.loads((run.path / "run.json").read_text())
    assert RunInfo.read(tmp_path / "run.json") == run.info
    assert run.taxonomy == MARS


@pytest.mark.parametrize(
    ("section", "change", "message"),
    [
        ("data", {"fingerprint": 7}, "'data.fingerprint' is wrong"),
        ("data", {"source": {"path": "a", "fromat": "npz"}}, "'data.source.fromat' is wrong"),
        ("model", None, "'model' is missing"),
        ("status", "done", "'status' is wrong"),
        ("mood", "good", "'mood' is wrong"),
    ],
)
def test_an_error_names_file_and_field(run_values, tmp_path, section, change, message):
    values = run_values(**({} if change is None else {section: change}))
    if change is None:
        del values[section]
    (tmp_path / "run.json").write_text(json.dumps(values))
    with pytest.raises(AreosegError, match=rf"run\.json: {message}"):
        RunInfo.read(tmp_path / "run.json")


def test_a_run_finds_its_data_from_any_folder(run_values, tmp_path, monkeypatch):
    (tmp_path / "mars.npz").touch()
    source = Source(path="mars.npz", groups=Path("groups.txt"))
    values = run_values(data={"source": source, "working_directory": str(tmp_path)})
    run = open_run("flagship-64")
    run = type(run)(tmp_path, run.recipe, RunInfo.model_validate(values))
    monkeypatch.chdir("/")
    assert run.source.path == str(tmp_path / "mars.npz")
    assert run.source.groups == Path("groups.txt")  # absent there
    assert run.info.data.source == source
