"""`docs/audit.md` describes `audit.json` as it is written."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from areoseg.audit import CHECKS, audit_samples, write_audit
from areoseg.audit.findings import SCHEMA
from areoseg.audit.page import NEEDS
from areoseg.data.samples import SegmentationDataset
from areoseg.synthetic import SyntheticMars, add_aliens, add_duplicates, draw_set

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")


def table(heading):
    """The rows of the first table after a line of the page, cell by cell."""
    after = PAGE.split(heading, 1)[1].split("\n|", 1)[1]
    lines = ("|" + after).split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def documented(heading):
    """The fields that the first column of a table names."""
    return [name for row in table(heading) for name in re.findall(r"`([a-z_]+)`", row[0])]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The file of an audit that was given everything it can be given."""
    mars = draw_set(SyntheticMars(seed=7), 80)
    samples, _ = add_aliens(mars, 4, seed=1)
    samples, _ = add_duplicates(samples, 2, seed=1, kinds=("exact",))
    samples = SegmentationDataset(
        samples.images, samples.masks, samples.names, tuple("ab" * (len(samples) // 2))
    )
    rng = np.random.default_rng(0)
    sure = [rng.dirichlet(np.ones(5), mask.shape).transpose(2, 0, 1) for mask in samples.masks]
    audit = audit_samples(
        samples,
        unlabeled=SegmentationDataset(samples.images[:9], None, samples.names[:9]),
        split={"train": range(40), "val": range(40, len(samples))},
        probabilities=[each.astype(np.float16) for each in sure],
    )
    return json.loads(write_audit(audit, tmp_path_factory.mktemp("audit")).read_text())


def test_every_field_of_the_file_is_documented_and_no_other(written):
    assert list(written) == documented("`audit.json` has these fields")
    assert list(written["summary"]) == documented("The `summary` has these fields")
    entries = [*written["rejected"], *written["flagged"], *written["further"]]
    assert {tuple(entry) for entry in entries} == {
        ("index", "name", "issue", "score", "reason", "action", "other", "region")
    }
    named = documented("Each entry of `rejected`")
    assert sorted(named) == sorted(entries[0])
    others = [entry["other"] for entry in entries if entry["other"] is not None]
    assert {tuple(other) for other in others} == {("index", "name", "part")}


def test_the_documented_version_is_the_one_that_is_written(written):
    version = next(row[1] for row in table("`audit.json` has these fields") if row[0] == "`schema`")
    assert f"this table, {SCHEMA};" in version
    assert written["schema"] == SCHEMA


def test_the_table_of_checks_is_that_of_the_page():
    """If it fails, copy the expected rows into `docs/audit.md`."""
    expected = [
        [
            f"`{check.issue}`",
            check.action,
            check.summary,
            check.score,
            ", ".join(NEEDS[need] for need in check.needs),
        ]
        for check in CHECKS.values()
    ]
    assert table("## Checks") == expected
