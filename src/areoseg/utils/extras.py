"""Imports of optional packages."""

import importlib
import sys
from types import ModuleType

from areoseg.errors import AreosegError


def need(module: str, *, extra: str) -> ModuleType:
    """Import a module of an optional package.

    Args:
        module: The module name, for example `"onnxruntime"`.
        extra: The extra of areoseg that installs the package.

    Raises:
        AreosegError: The package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise AreosegError(f"{module} is not installed: pip install 'areoseg[{extra}]'") from None


def need_openvino(module: str = "openvino") -> ModuleType:
    """Import OpenVINO, or a package on top of it, without its telemetry.

    OpenVINO reports each import to its developers unless the user opted out. If its telemetry
    module is missing, it uses a stub instead.

    Args:
        module: `"openvino"` or `"nncf"`.

    Raises:
        AreosegError: The package is not installed.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # marks it as missing
    return need(module, extra="openvino")
