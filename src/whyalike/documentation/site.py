"""The pages of the repository as a site, with the reference of the library (`make docs`): hooks of MkDocs.

Every page stands in the site where it stands in the repository, so that its links lead where they lead there; files
that pages link to come with it. The navigation is docs/README.md. The reference, docs/api.md, names what is public;
mkdocstrings puts signature and docstring there, and `Sections` turns the sections of a docstring into lists.

MkDocs has an environment of its own, without this package: nothing here imports another module of it.
"""

import re
from pathlib import Path
from typing import Any

try:
    from griffe import Extension
except ImportError:  # not there where tests run
    Extension = object

ROOT = Path(__file__).parents[3]
LINK = re.compile(r"\]\(([^)\s#]+)")
INFO = re.compile(r"^(```\w+) .+$", re.MULTILINE)  # what tests read behind the language of a block of code
SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
ITEM = re.compile(r"^(\S[^:\n]*?) : (.*)$")
LISTS = ("Parameters", "Attributes", "Raises", "Returns")


def pages() -> list[Path]:
    """All pages, relative to the repository."""
    found = [*ROOT.glob("*.md"), *(one for part in ("docs", "config", "envs") for one in (ROOT / part).rglob("*.md"))]
    return sorted(path.relative_to(ROOT) for path in [*found, *(ROOT / "profiles").rglob("*.md")])


def linked(page: Path) -> set[Path]:
    """The files that a page links to and shows, relative to the repository."""
    links = LINK.findall((ROOT / page).read_text(encoding="utf-8"))
    found = {(ROOT / page.parent / link).resolve() for link in links if "://" not in link}
    return {path.relative_to(ROOT) for path in found if path.is_file()}


def navigation() -> list[dict[str, Any]]:
    """The sections of docs/README.md, each with the pages that it links to, by the words of the links."""
    whole: list[dict[str, Any]] = [{"whyalike": "README.md"}, {"All pages": "docs/README.md"}]
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        links = re.findall(r"\[([^\]]+)\]\(([^)#\s]+)\)", body)
        inside = [{words[0].upper() + words[1:]: _uri(Path("docs", link))} for words, link in links]
        whole.append({title: [one for one in inside if "README.md" not in one.values()]})
    return whole


def _uri(path: Path) -> str:
    return (ROOT / path).resolve().relative_to(ROOT).as_posix()


def as_markdown(docstring: str) -> str:
    """A docstring whose sections are underlined, as Markdown: each a bold title, with a list or with code.

    Example
    -------
    >>> print(as_markdown("Words.\\n\\nParameters\\n----------\\nx : one\\n    or two.\\n"))
    Words.
    <BLANKLINE>
    **Parameters**
    <BLANKLINE>
    - `x`: one or two.
    """
    head, *parts = SECTION.split(docstring)
    sections = [head.strip()]
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        if title.startswith("Example"):
            text = f"```pycon\n{body.strip()}\n```"
        else:
            text = _list(body) if title in LISTS else body.strip()
        sections.append(f"**{title}**\n\n{text}")
    return "\n\n".join(sections).strip()


def _list(body: str) -> str:
    """Items ``name : words`` as a list; words that go on are indented. Other lines stay as they are."""
    lines: list[str] = []
    for line in body.strip().splitlines():
        item = ITEM.match(line)
        if item:
            lines.append(f"- `{item[1]}`: {item[2]}")
        elif lines and line.startswith(" "):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return "\n".join(lines)


class Sections(Extension):
    """Of griffe, which reads the sources for mkdocstrings: docstrings as Markdown."""

    def on_object(self, *, obj: Any, **others: Any) -> None:
        """Turn the docstring of a module, class, function or attribute into Markdown."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)


def on_config(config: Any) -> Any:
    """Take the navigation from the page of all pages."""
    config["nav"] = navigation()
    return config


def on_files(files: Any, config: Any) -> Any:
    """The pages and what they link to, each in its place in the repository, beside the theme's own files."""
    from mkdocs.structure.files import File

    for one in [one for one in files if one.src_dir == config["docs_dir"]]:
        files.remove(one)
    wanted = {*pages(), *(path for page in pages() for path in linked(page))}
    for path in sorted(wanted):
        files.append(File(path.as_posix(), str(ROOT), config["site_dir"], config["use_directory_urls"]))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Leave the language alone behind the fence of a block of code."""
    return INFO.sub(r"\1", markdown)
