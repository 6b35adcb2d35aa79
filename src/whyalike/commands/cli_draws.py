"""`whyalike draws`: the published draws of stimuli."""

from pathlib import Path
from typing import Annotated

import typer

from whyalike.commands.cli_faults import messages, path


def draws(
    configfile: Annotated[
        Path, typer.Argument(parser=path, help="The configuration, such as config/consistency.yaml.")
    ],
    folder: Annotated[Path, typer.Argument(parser=path, help="What is drawn is written there.")],
) -> None:
    """Make the published draws of training images: rows of each set of shards, and a configuration that takes them."""
    with messages():
        from whyalike.commands import drawing
        from whyalike.config import reading
        from whyalike.config.yaml_file import keys_of

        config = reading.read(configfile)
        made = drawing.draw(config, keys_of(configfile, "config/consistency.yaml"), folder, print)
        print(f"Run it: snakemake --configfile {made} and what else you give.")
