"""Which issues make an audit fail, so that it can guard a data set in continuous integration."""

from collections.abc import Sequence

from areoseg.audit.checks import CHECKS
from areoseg.audit.findings import Audit
from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean

ANY = "any"
"""Fails on whatever was found."""

REJECT = "reject"
"""Fails on whatever rejects a sample."""


def parse_failing(text: str) -> tuple[str, ...]:
    """The issues in a list such as `repeated-mask,near-duplicate`.

    Args:
        text: Names of `CHECKS`, `any` or `reject`, with commas between them.

    Raises:
        AreosegError: There is no issue of such a name.
    """
    known = (*CHECKS, ANY, REJECT)
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise AreosegError(f"--fail-on: no issue {name!r}: {did_you_mean(name, known)}")
    return names


def failing(audit: Audit, names: Sequence[str]) -> tuple[str, ...]:
    """Those of the names that the audit fails on, in their order.

    Args:
        audit: What was found.
        names: From `parse_failing`.
    """
    found = {finding.issue for finding in audit.findings}
    found |= {finding.issue for finding in audit.set_findings}
    if found:
        found.add(ANY)
    if audit.rejected:
        found.add(REJECT)
    return tuple(name for name in names if name in found)
