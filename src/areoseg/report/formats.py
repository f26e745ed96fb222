"""The number formats of the pages, and the Jinja environment that has them as filters.

Missing values and NaN become a dash.
"""

import math
from typing import TypeGuard

import jinja2

MISSING = "–"
_NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether `value` is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)


def decimal(value: object, digits: int = 3) -> str:
    """Format 0.71234 as `0.712`."""
    return f"{value:.{digits}f}" if is_number(value) else MISSING


def percent(value: object, digits: int = 1) -> str:
    """Format a fraction as `71.2 %`; fractions that would round to zero as `< 0.1 %`."""
    if not is_number(value):
        return MISSING
    least = 10.0**-digits
    if 0 < value * 100 < least / 2:
        return f"<{_NARROW_SPACE}{least:.{digits}f}{_NARROW_SPACE}%"
    return f"{value * 100:.{digits}f}{_NARROW_SPACE}%"


def count(value: object) -> str:
    """Format 1234567 as `1 234 567`."""
    return f"{value:,.0f}".replace(",", _NARROW_SPACE) if is_number(value) else MISSING


def short_count(value: object) -> str:
    """Format 1234567 as `1.23 M`; numbers below a thousand in full."""
    if not is_number(value):
        return MISSING
    for size, unit in _UNITS:
        if value >= 0.9995 * size:  # 999 600 is 1 M to three digits, not 1000 k
            return f"{value / size:.3g}{_NARROW_SPACE}{unit}"
    return f"{value:.0f}"


def duration(seconds: object) -> str:
    """Format seconds as `45 s`, `12 min 30 s` or `1 h 05 min`."""
    if not is_number(seconds):
        return MISSING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def file_size(size: object) -> str:
    """Format bytes as `1.23 MB`."""
    if not is_number(size):
        return MISSING
    return f"{short_count(size)}B" if size >= 1000 else f"{size:.0f}{_NARROW_SPACE}B"


def page_environment(*packages: str) -> jinja2.Environment:
    """Return the Jinja environment of all pages.

    Args:
        packages: Packages whose `templates` folders are searched before the report's own.
    """
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                *(jinja2.PackageLoader(name) for name in (*packages, "areoseg.report")),
                jinja2.PackageLoader("areoseg.report", "styles"),
            ]
        ),
        autoescape=True,  # names come from file names, which may contain anything
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (decimal, percent, count, short_count, duration, file_size)
    environment.filters.update({function.__name__: function for function in filters})
    return environment
