import dataclasses
import json

import numpy as np
import pytest

from areoseg.audit import CHECKS, Audit, Finding, audit_samples, write_audit
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.synthetic import SyntheticMars, add_aliens, draw_set


@pytest.fixture(scope="module")
def aliens():
    return add_aliens(draw_set(SyntheticMars(seed=3), 60), 6, seed=1)


def finding(index, issue="repeated-mask", action="reject"):
    return Finding(index, f"sample-{index}", issue, 2.0, "because", action)


def test_what_is_rejected_is_not_kept(aliens):
    samples, indices = aliens
    audit = audit_samples(samples)
    assert [f.index for f in audit.rejected] == indices.tolist()
    assert set(audit.kept_indices) == set(range(60)) - set(indices.tolist())
    assert all(f.action == "flag" for f in audit.flagged)


def test_every_check_names_its_findings_after_itself(aliens):
    samples, _ = aliens
    for issue in CHECKS:
        audit = audit_samples(samples, issues=(issue,))
        assert audit.issues == ((issue,) if set(CHECKS[issue].needs) <= {"masks", "groups"} else ())
        assert {f.issue for f in audit.findings} <= {issue}
        indices = [f.index for f in audit.findings]
        assert indices == sorted(indices)


def test_a_sample_is_rejected_once_and_nothing_is_lost():
    findings = (
        finding(4),
        finding(1, "content-outlier"),
        finding(4, "content-outlier"),
        finding(4, "near-duplicate", "flag"),
        finding(2, "near-duplicate", "flag"),
    )
    audit = Audit(samples=5, issues=("repeated-mask",), findings=findings)
    assert audit.rejected == (findings[1], findings[0])
    assert audit.flagged == (findings[4],)
    assert audit.further == (findings[2], findings[3])
    assert audit.kept_indices == (0, 2, 3)


def test_an_unknown_check_is_refused_with_the_nearest_name(aliens):
    with pytest.raises(AreosegError, match="did you mean 'near-duplicate'"):
        audit_samples(aliens[0], issues=("near-duplicates",))


def test_an_empty_set_has_no_findings():
    nothing = SegmentationDataset(np.empty((0, 8, 8), np.uint8), np.empty((0, 8, 8), np.uint8), ())
    assert audit_samples(nothing).findings == ()


def test_the_written_findings(aliens, tmp_path):
    samples, indices = aliens
    path = write_audit(audit_samples(samples), tmp_path / "new" / "folder")
    written = json.loads(path.read_text())
    lists = ["rejected", "flagged", "further", "set_findings"]
    assert list(written) == ["schema", "kind", "pairs", "fingerprint", "issues", *lists, "summary"]
    assert written["pairs"] == 60
    assert [entry["index"] for entry in written["rejected"]] == indices.tolist()
    assert list(written["rejected"][0]) == [f.name for f in dataclasses.fields(Finding)]
    assert written["rejected"][0]["name"] == samples.names[indices[0]]


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(AreosegError, match="cannot write"):
        write_audit(Audit(60, (), ()), tmp_path / "out")
