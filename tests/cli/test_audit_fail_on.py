"""The exit codes of `areoseg audit`, by which it serves in continuous integration."""

import json
import sys

import numpy as np
import pytest

from areoseg.cli.app import main

pytestmark = pytest.mark.filterwarnings("ignore:Cyclopts application invoked")


@pytest.fixture
def audit(tmp_path, homework_npz, monkeypatch, capsys):
    """Run the command; its exit code, and what it wrote to standard output and error."""

    def run(*options, data=homework_npz):
        out = tmp_path / "audit"
        monkeypatch.setattr(sys, "argv", ["areoseg", "audit", str(data), "--out", str(out)])
        sys.argv += options
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def copied(homework_npz, tmp_path):
    """The homework's file with one image over another."""
    with np.load(homework_npz) as file:
        pairs = file["training_set"].copy()
    pairs[9] = pairs[3]
    np.savez(tmp_path / "copied.npz", training_set=pairs)
    return tmp_path / "copied.npz"


def test_the_page_and_the_json_are_written(audit, copied, tmp_path):
    code, output, _ = audit(data=copied)
    assert code == 0
    assert "duplicate-image" in output
    assert "training_set/0009" in (tmp_path / "audit" / "audit.html").read_text()
    assert json.loads((tmp_path / "audit" / "audit.json").read_text())["pairs"] == 48


@pytest.mark.parametrize(
    ("issues", "expected"),
    [("duplicate-image", 1), ("any", 1), ("repeated-mask,duplicate-image", 1), ("reject", 0)],
)
def test_it_fails_on_the_issues_that_are_named(audit, copied, issues, expected):
    code, output, errors = audit("--fail-on", issues, "--json", data=copied)
    assert code == expected
    assert json.loads(output)["rejected"] == []
    assert ("--fail-on: found" in errors) == bool(expected)


def test_unknown_issues_and_bad_data_are_bad_input(audit, tmp_path):
    code, _, errors = audit("--fail-on", "duplicate-images")
    assert (code, errors.count("\n")) == (2, 1)
    assert "did you mean 'duplicate-image'" in errors
    assert not (tmp_path / "audit").exists()
    code, _, errors = audit("--fail-on", "any", data=tmp_path / "absent.npz")
    assert (code, errors.count("\n")) == (2, 1)
