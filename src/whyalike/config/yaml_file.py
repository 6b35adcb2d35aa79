"""A YAML file that holds keys (a configuration, a site, a cost table), or one message of what is wrong with it.

YAML 1.1 keeps the last of two equal keys, takes 1:0 for 60 and 010 for 8, without a word; here these are faults.
"""

import re
import reprlib
from pathlib import Path
from typing import Any

import yaml

from whyalike.file_faults import UnreadableFile, readable


class ConfigError(ValueError):
    """Every fault of a configuration, a line each: key path, value, what must hold."""


# plain words that YAML 1.1 takes for numbers in bases 60 and 8
OTHER_BASES = re.compile(r"[-+]?(?:\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?|0[0-7_]*[0-7])")


class _Loader(yaml.SafeLoader):
    """PyYAML's loader of plain data, which finds what it would else keep from the user."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The keys of a node, of which none stands twice; those that `<<` brings may be given again."""
        seen: dict[Any, yaml.Mark] = {}
        for key, _ in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is not None and name != "<<" and name in seen:
                at = seen[name].line + 1
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{name}' stands twice, first in line {at}: remove one", key.start_mark
                )
            seen[name] = key.start_mark
        return super().construct_mapping(node, deep)

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """A number, which everybody reads as such."""
        if OTHER_BASES.fullmatch(node.value):
            raise yaml.constructor.ConstructorError(
                None, None, f"YAML takes {node.value} for a number in base 60 or 8: write it in quotes", node.start_mark
            )
        kind = node.tag.rpartition(":")[2]
        return self.construct_yaml_int(node) if kind == "int" else self.construct_yaml_float(node)


for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_number)


def keys_of(path: Path, example: str) -> dict[str, Any]:
    """The keys of a file; none of an empty one.

    Raises
    ------
    ConfigError : it is not valid YAML, or holds something else; the message names ``example``, a file that is right.
    FileNotFoundError : there is none.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        with readable(path, f"YAML as {example} is", "Repair it."):
            try:
                values = yaml.load(path.read_text(encoding="utf-8-sig"), _Loader)
            except yaml.YAMLError as error:  # in several lines, which point at the place
                raise UnreadableFile(f"{path} is not valid YAML: {error}\nRepair that place.") from None
    except UnreadableFile as error:
        raise ConfigError(str(error)) from None
    if not isinstance(values or {}, dict):
        raise ConfigError(f"{path} must hold keys as {example} does, got {reprlib.repr(values)}. Write so.")
    return values or {}
