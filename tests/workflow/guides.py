"""The how-to guides as programs: their blocks of code are put where they say, in a copy of the repository.

The words behind the language of a block say what is done with it:
file=PATH       the block is a new file
end=PATH        it is added at the end of a file
import=PATH     it is added to the imports of a file
line=PATH table=NAME   it is the first entry of the registry NAME
test=PATH       it is a new file of tests, which pass
config          it is merged into the demo's configuration
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COPIED = ("Snakefile", "config", "docs", "envs", "profiles", "pyproject.toml", "src", "tests", "workflow")


@dataclass(frozen=True)
class Block:
    """A fenced block of a guide."""

    language: str
    words: dict[str, str]
    text: str


def blocks(guide: Path) -> list[Block]:
    """The blocks of a guide, in order."""
    found = BLOCK.findall(guide.read_text(encoding="utf-8"))
    return [
        Block(language, {key: value for key, _, value in (word.partition("=") for word in words.split())}, text)
        for language, words, text in found
    ]


def copy_of_repository(folder: Path) -> Path:
    """What the guides change, copied."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


def put(block: Block, repository: Path) -> None:
    """Change the copy as a block says; what is merged into a configuration changes nothing."""
    if path := block.words.get("file") or block.words.get("test"):
        assert not (repository / path).exists(), f"{path} exists already: the guide needs another name"
        (repository / path).parent.mkdir(exist_ok=True)
        (repository / path).write_text(block.text, encoding="utf-8")
    elif path := block.words.get("end"):
        _change(repository / path, lambda text: f"{text}\n\n{block.text}")
    elif path := block.words.get("import"):
        _change(repository / path, lambda text: text.replace("\nfrom whyalike", f"\n{block.text}from whyalike", 1))
    elif path := block.words.get("line"):
        _change(repository / path, lambda text: _with_entry(text, block.words["table"], block.text))


def _change(path: Path, change) -> None:
    old = path.read_text(encoding="utf-8")
    new = change(old)
    assert new != old, f"{path}: the guide's block found no place"
    path.write_text(new, encoding="utf-8")


def _with_entry(text: str, table: str, entry: str) -> str:
    return re.sub(
        rf'^({table}: .*?Registry\(\s+"[^"]+",\s+\{{)', lambda m: f"{m[1]}\n{entry}", text, count=1, flags=re.M | re.S
    )
