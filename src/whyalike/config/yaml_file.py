"""A YAML file that holds keys (a configuration, a site, a cost table), or one message of what is wrong with it."""

from pathlib import Path
from typing import Any

import yaml


class ConfigError(ValueError):
    """Every fault of a configuration, a line each: key path, value, what must hold."""


def keys_of(path: Path, example: str) -> dict[str, Any]:
    """The keys of a file; none of an empty one.

    Raises
    ------
    ConfigError : it is not valid YAML, or holds something else; the message names ``example``, a file that is right.
    FileNotFoundError : there is none.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(values or {}, dict):
        raise ConfigError(f"{path} must hold keys as {example} does, got {values!r}")
    return values or {}
