import pytest

from areoseg.audit import Audit, Finding, SetFinding
from areoseg.audit.checks.table import parse_fail_on
from areoseg.errors import AreosegError

NAMES = ("repeated-mask", "near-duplicate", "drift", "any", "reject")
FLAG = Finding(0, "a", "near-duplicate", 1.0, "because", "flag")
REJECT = Finding(0, "a", "repeated-mask", 1.0, "because", "reject")


@pytest.mark.parametrize(
    ("findings", "set_findings", "expected"),
    [
        ((), (), ()),
        ((FLAG,), (), ("near-duplicate", "any")),
        ((FLAG, REJECT), (), ("repeated-mask", "near-duplicate", "any", "reject")),
        ((), (SetFinding("drift", 1.0, "because"),), ("drift", "any")),
    ],
)
def test_an_audit_fails_on_what_it_found(findings, set_findings, expected):
    assert Audit(3, (), findings, set_findings).failures(NAMES) == expected


def test_names_stand_between_commas():
    names = parse_fail_on("repeated-mask, any,reject")
    assert names == ("repeated-mask", "any", "reject")


@pytest.mark.parametrize("text", ["near-duplicates", "any,near-duplicates"])
def test_an_unknown_name_is_refused_with_the_nearest(text):
    with pytest.raises(AreosegError, match="did you mean 'near-duplicate'"):
        parse_fail_on(text)


def test_no_name_at_all_is_refused():
    with pytest.raises(AreosegError, match="--fail-on: no issue ''"):
        parse_fail_on("")
