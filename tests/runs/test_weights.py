import pytest

from areoseg.errors import AreosegError
from areoseg.runs.run import open_run
from areoseg.weights import misspelled


def test_a_misspelled_bundled_model_is_recognized(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AreosegError, match="did you mean the bundled model 'flagship-256'"):
        open_run("flagship-265")
    assert misspelled("photos") == ""
    (tmp_path / "flagship-265").mkdir()
    assert misspelled("flagship-265") == ""
