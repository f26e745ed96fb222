import json

import pytest

from areoseg.audit import Audit, Finding, OtherSample, read_exclusions, write_audit
from areoseg.data.samples import fingerprint
from areoseg.errors import AreosegError


@pytest.fixture
def audit(samples):
    def finding(index, issue, action, **more):
        return Finding(index, samples.names[index], issue, 2.5, "because", action, **more)

    findings = (
        finding(3, "repeated-mask", "reject"),
        finding(5, "content-outlier", "reject"),
        finding(3, "near-duplicate", "flag", other=OtherSample(1, samples.names[1])),
        finding(7, "content-outlier", "flag", region=(0, 1, 8, 9)),
    )
    issues = ("repeated-mask", "content-outlier", "near-duplicate")
    return Audit(len(samples), issues, findings, fingerprint=fingerprint(samples))


@pytest.fixture
def path(audit, tmp_path):
    return write_audit(audit, tmp_path)


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_an_audit_is_read_back_as_it_was(audit, path, samples):
    exclusions = read_exclusions(path)
    exclusions.check(samples)
    found = exclusions.audit
    assert exclusions.kept_indices == audit.kept_indices
    assert (found.rejected, found.flagged, found.further) == (
        audit.rejected, audit.flagged, audit.further,
    )  # fmt: skip
    assert exclusions.path == str(path)
    assert exclusions.kind == "audit"


def test_what_stands_under_flagged_is_kept_whatever_its_action_was(path):
    values = json.loads(path.read_text())

    change(path, rejected=values["flagged"], flagged=values["rejected"])
    found = read_exclusions(path)
    assert {finding.index for finding in found.audit.rejected} == {7}
    assert found.indices == (7,)


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{}",
        '{"rejected": [], "flagged": [], "further": []}',
        '{"pairs": 1, "fingerprint": "", "rejected": [{}], "flagged": [], "further": []}',
        '{"pairs": 1, "fingerprint": "", "rejected": ["a"], "flagged": [], "further": []}',
        '{"pairs": "many", "fingerprint": "", "rejected": [], "flagged": [], "further": []}',
    ],
)
def test_a_file_without_decisions_is_refused(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(AreosegError, match=r"x\.json: contains no decisions"):
        read_exclusions(path)


@pytest.mark.parametrize("content", [None, "{", b"\xff"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, content):
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(AreosegError, match=r"x\.json: cannot read this file"):
        read_exclusions(path)


def test_decisions_about_other_data_are_refused(path, samples):
    found = read_exclusions(path)
    with pytest.raises(AreosegError, match="made for 48 samples, but the data have 47"):
        found.check(samples.select(range(47)))
    with pytest.raises(AreosegError, match=f"sample 3 of the data is not '{samples.names[3]}'"):
        found.check(samples.select(range(47, -1, -1)))
    others = [*range(46), 47, 46]  # the names of all findings are where they were
    with pytest.raises(AreosegError, match="made for other data"):
        found.check(samples.select(others))


def test_the_kind_of_a_file_is_read_and_written_back(path, tmp_path):
    change(path, kind="decisions")
    exclusions = read_exclusions(path)
    assert exclusions.kind == "decisions"
    assert read_exclusions(write_audit(exclusions, tmp_path / "run")).kind == "decisions"


@pytest.mark.parametrize(("summary", "kind"), [(True, "audit"), (False, "decisions")])
def test_a_file_of_version_0_1_has_no_kind(path, summary, kind):
    values = json.loads(path.read_text())
    del values["kind"]
    if not summary:  # decisions.json had none
        del values["summary"]
    path.write_text(json.dumps(values))
    assert read_exclusions(path).kind == kind
