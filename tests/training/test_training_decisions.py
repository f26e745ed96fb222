"""What a person decided about the data holds in every training."""

import json

import pytest
from rich.console import Console

import areoseg
from areoseg.audit import Audit, Finding, write_audit
from areoseg.data.samples import fingerprint
from areoseg.data.split import SPLITS
from areoseg.errors import AreosegError
from areoseg.runs.run import open_run

QUIET = Console(quiet=True)
REJECTED = range(7)


@pytest.fixture(scope="module")
def decide(homework_npz, tmp_path_factory):
    """Write decisions that reject the samples at some positions."""
    samples = areoseg.read(homework_npz).labeled

    def write(rejected):
        findings = [
            Finding(i, samples.names[i], "content-outlier", 1.0, "by hand", "reject")
            for i in rejected
        ]
        audit = Audit(
            len(samples), ("content-outlier",), tuple(findings), fingerprint=fingerprint(samples)
        )
        return write_audit(audit, tmp_path_factory.mktemp("decisions"))

    return write


@pytest.fixture
def train(homework_npz, tmp_path, tiny):
    def run(name, decisions, **options):
        return areoseg.train(
            "unet", homework_npz, tmp_path / name, overrides=[*tiny, *options.pop("overrides", ())],
            decisions=decisions, console=QUIET, **options,
        )  # fmt: skip

    return run


def names_in(run):
    return {name for split in SPLITS for name in run.split[split]}


def test_what_is_rejected_is_left_out_and_noted(train, decide, homework_npz):
    path = decide(REJECTED)
    run = train("run", path, overrides=["training.epochs=1", "data.audit=false"])
    names = areoseg.read(homework_npz).labeled.names
    assert names_in(run) == {*names} - {*names[:7]}
    assert run.info.data.rejected == 7
    assert run.info.data.decisions == str(path)
    report = (run.path / "report.html").read_text()
    assert "The decisions were reviewed by hand" in report
    assert "content-outlier" in (run.path / "audit.html").read_text()
    assert areoseg.evaluate(run.path, split="test", console=QUIET).images == len(run.split["test"])


def test_a_resumed_training_keeps_to_them(train, decide, tmp_path, interrupted_at):
    path = decide(REJECTED)
    with interrupted_at(1):
        train("interrupted", path)
    before = open_run(tmp_path / "interrupted", unfinished=True)
    path.unlink()  # the run has its own copy
    after = areoseg.resume(tmp_path / "interrupted", console=QUIET)
    assert after.split == before.split
    assert after.info.data.rejected == 7


def test_decisions_about_other_data_stop_a_training_before_it_begins(train, decide, tmp_path):
    path = decide(REJECTED)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fingerprint": "another"}))
    with pytest.raises(AreosegError, match=r"audit\.json: made for other data"):
        train("run", path)
    assert not (tmp_path / "run").exists()


def test_a_file_without_decisions_shows_before_the_data_are_read(tmp_path):
    with pytest.raises(AreosegError, match=r"decisions\.json: cannot read"):
        areoseg.train("unet", "absent.npz", tmp_path / "run", decisions=tmp_path / "decisions.json")


def test_baselines_are_scored_without_what_is_rejected(decide, homework_npz, tiny):
    def images(rejected):
        scores = areoseg.baselines(
            ["majority"],
            homework_npz,
            recipe="unet",
            overrides=tiny,
            decisions=decide(rejected),
            console=QUIET,
        )
        return scores["majority"].images

    assert images(range(24)) < images(())
