"""A process of its own that tells what architectures are: who reads a configuration must not import PyTorch.

`python -m whyalike.models.libraries.names`: on standard input a JSON list of {"asked": an `Architecture`, "folder":
path or null}; on standard output a list of {"facts": of `Facts`} or {"fault": a message}, in that order.
"""

import json
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from whyalike.models.libraries.library import go_offline
from whyalike.models.libraries.parameters import Architecture


def told(one: dict[str, Any]) -> dict[str, Any]:
    """What is known of one architecture, or what is wrong with it."""
    from whyalike.models.libraries.building import facts

    asked = Architecture.from_plain(one["asked"])
    folder = None if one["folder"] is None else Path(one["folder"])
    try:
        return {"facts": facts(asked, folder).plain()}
    except Exception as error:  # of a library or of the user's code: it may be any
        expected = isinstance(error, ValueError | LookupError)
        return {"fault": str(error) if expected else f"{type(error).__name__}: {error}"}


def main() -> None:
    """Answer what standard input asks."""
    go_offline()
    warnings.simplefilter("ignore")
    with redirect_stdout(sys.stderr):  # libraries may print
        answers = [told(one) for one in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
