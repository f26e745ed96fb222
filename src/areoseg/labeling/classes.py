"""The classes that labels of labeling tools name."""

from areoseg.errors import AreosegError, did_you_mean
from areoseg.taxonomy import Taxonomy


def class_of(label: str, taxonomy: Taxonomy, where: str) -> int:
    """Return the class that a label names, whatever its case and separators.

    Args:
        label: The label, such as `Big_rock`.
        taxonomy: The classes.
        where: The file, for messages.

    Raises:
        AreosegError: There is no such class.
    """
    names = {_plain(name): index for index, name in enumerate(taxonomy.names)}
    if _plain(label) not in names:
        raise AreosegError(
            f"{where}: label {label!r} is no class: {did_you_mean(label, taxonomy.names)}"
        )
    return names[_plain(label)]


def _plain(name: str) -> str:
    return name.lower().replace("_", " ").replace("-", " ").strip()
