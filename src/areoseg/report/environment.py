"""The Jinja environment of the pages, with their common filters."""

import jinja2

from areoseg.report import formats


def page_environment(*packages: str) -> jinja2.Environment:
    """Return the Jinja environment of all pages.

    Args:
        packages: Packages whose `templates` folders are searched before the report's own.
    """
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(name) for name in (*packages, "areoseg.report")]
        ),
        autoescape=True,  # names come from file names, which may contain anything
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        decimal=formats.decimal,
        percent=formats.percent,
        count=formats.count,
        short_count=formats.short_count,
        duration=formats.duration,
        file_size=formats.file_size,
    )
    return environment
