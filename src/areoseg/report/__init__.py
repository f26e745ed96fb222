"""The report: one HTML file that shows a run to somebody who was not there."""

from areoseg.report.examples import Example, choose_examples
from areoseg.report.page import write_report

__all__ = ["Example", "choose_examples", "write_report"]
