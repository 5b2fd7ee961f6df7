"""Names of a package that are imported when somebody first asks for them.

A sender stamps and hands over; it needs none of the parsers of feeds, pictures and bounces, which would be a third of
its memory. So the packages that hold those give their names by :func:`lazily`.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazily(package: str, places: dict[str, str]) -> Callable[[str], Any]:
    """The package's ``__getattr__`` (PEP 562): ``places`` has for each of its modules the names that come from there.

    The names of one module stand in one string, separated by spaces.
    """
    modules = {name: module for module, names in places.items() for name in names.split()}

    def __getattr__(name: str) -> Any:  # noqa: N807  the module's own
        if name in places:  # a module itself, which is an attribute only once somebody has imported it
            return import_module(f"{package}.{name}")
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return __getattr__
