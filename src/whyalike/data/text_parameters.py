"""The parameters of the sources of text: how a stream of tokens is cut, and where the text and its tokenizer come from.

As of images, JSON says of every path only that it is given: the name of a corpus stands for its content.
"""

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from whyalike.data.parameters import Distinct, Folder, Parameters, Seed
from whyalike.section import Count, Name, Real, Whole, whole

FORMATS = (".txt", ".parquet", ".jsonl", ".json")  # each but Parquet also as .gz
SENTENCES = (*FORMATS, ".csv", ".tsv")  # with tabs between fields, both
LARGEST_VOCABULARY = 2**16  # a token takes two bytes
SMALLEST_VOCABULARY = 257  # every byte, and the end of a text
TOKENIZER_FILES = (("tokenizer.json",), ("vocab.json", "merges.txt"))  # either all of the first or all of the second
BundledCorpus = Literal["docstrings", "headers", "library", "licenses", "names", "topics"]
REMEDY = "Paths start at the working directory. Put the files there, or correct them."
Vocabulary = whole(ge=SMALLEST_VOCABULARY, le=LARGEST_VOCABULARY)


def matches(pattern: Path) -> list[Path]:
    """What a path means: itself, if it is a file, or what it matches as a pattern, sorted; folders among it."""
    return [pattern] if pattern.is_file() else [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]


def find(pattern: Path) -> list[Path]:
    """The files among what a path means."""
    return [path for path in matches(pattern) if path.is_file()]


def folders(pattern: Path) -> list[str]:
    """The folders among it, which nobody reads; none of a pattern with `**`, which means the files in folders."""
    return [] if "**" in pattern.parts else [str(path) for path in matches(pattern) if not path.is_file()]


class CorporaParameters(Parameters):
    """Corpora by name."""

    def names(self) -> list[str]:
        """The corpora, sorted."""
        return sorted(self.corpora)

    def values(self, attribute: str) -> int:
        """Number of corpora."""
        return len(self.names())

    def tokens(self) -> int | None:
        """Number of tokens at most, where these parameters bound it."""
        return None


class StreamParameters(CorporaParameters):
    """How the tokens of each corpus are cut into chunks to train on, validation text and test windows."""

    max_tokens: whole(ge=1, le=10**13) | None = Field(
        None,
        description="Take the first so many tokens of each corpus at most; all of them if left out.",
    )
    chunks: Whole = Field(
        80,
        ge=2,
        le=10**7,
        description="Training chunks of each corpus, of equal length: dataset overlap shares some of them, and no "
        "training window crosses two.",
    )
    held_out: Real = Field(
        0.05, gt=0, lt=1, description="Last share of each corpus: half of it for validation, half for test windows."
    )
    windows: Count = Field(20_500, description="Test windows of each corpus, drawn once, with distinct starts.")
    context: Count = Field(256, description="Tokens of a test window; a training chunk holds more than that.")
    seed: Seed = 0

    def counts(self) -> tuple[int, int]:
        """Number of training chunks and of test windows."""
        return len(self.names()) * self.chunks, len(self.names()) * self.windows

    def tokens(self) -> int | None:
        """Number of tokens at most, where these parameters bound it."""
        return None if self.max_tokens is None else len(self.names()) * self.max_tokens


class Corpus(Parameters):
    """One corpus: files of text."""

    path: Folder = Field(
        description="A file, or a pattern of files such as `data/codes/*.parquet`, read in the order of their names: "
        ".txt (texts between lines `<|endoftext|>`, or one text), .jsonl or .json (an object a line), each also as "
        ".gz, or .parquet."
    )
    columns: Annotated[tuple[str, ...], Distinct] = Field(
        ("text",), min_length=1, description="Columns of a Parquet or JSON file that make a text, a line feed between."
    )

    def files(self) -> list[Path]:
        """The files, sorted by name; empty if there are none."""
        return find(self.path)


class Tokenizer(Parameters):
    """What cuts text into tokens: published files, or byte-level BPE trained on files; with a token `<|endoftext|>`."""

    folder: Folder | None = Field(
        None, description="Folder with a published `tokenizer.json`, or with GPT-2's `vocab.json` and `merges.txt`."
    )
    train: tuple[Folder, ...] = Field(
        (), description="In place of `folder`: files or patterns as under `corpora`, to train a tokenizer on."
    )
    columns: Annotated[tuple[str, ...], Distinct] = Field(
        ("text",), min_length=1, description="Columns that make a text in Parquet and JSON files of `train`."
    )
    vocabulary: Vocabulary = Field(4096, description="Tokens of a trained tokenizer at most.")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.folder is None) != bool(self.train):
            came = "both" if self.train else "neither"
            raise ValueError(f"a tokenizer needs one of folder and train, {came} came. Give the one that you want.")
        return self

    def missing(self) -> str | None:
        """Files that are not there."""
        if self.folder is not None:
            if any(all((self.folder / name).is_file() for name in names) for names in TOKENIZER_FILES):
                return None
            wanted = ", or ".join(" and ".join(names) for names in TOKENIZER_FILES)
            return f"the tokenizer's folder {self.folder} must hold {wanted}"
        absent = [str(path) for path in self.train if not find(path)]
        return f"the tokenizer has no files to train on at {', '.join(absent)}" if absent else None


class TextParameters(StreamParameters):
    """Corpora in the user's files."""

    corpora: dict[Name, Corpus] = Field(
        min_length=1, description="Corpora by name, the values of the attribute `corpus`. A name stands for the "
        "content: change it when the files change, as in `stories_2`. Files may be moved.",
    )  # fmt: skip
    tokenizer: Tokenizer = Field(description="What cuts the text into tokens; the same for all corpora.")

    def missing(self) -> str | None:
        """Files and patterns without any file."""
        faults = _without_files(self.corpora)
        faults += [fault] if (fault := self.tokenizer.missing()) else []
        if not faults:
            return None
        return f"text: {'; '.join(faults)}. {REMEDY}"


class SentenceCorpus(Corpus):
    """One corpus of sentences: files that hold one or more in each row."""

    path: Folder = Field(
        description="A file, or a pattern of files such as `data/stsbenchmark/sts-*.csv`, read in the order of their "
        "names: .csv or .tsv (fields between tabs, never quoted; the first line names the columns, or the file is one "
        "of STS-B's, which have no such line), .parquet, .jsonl or .json (an object a line), or .txt (a sentence a "
        "line); each but Parquet also as .gz."
    )
    columns: Annotated[tuple[str, ...], Distinct] = Field(
        ("sentence1", "sentence2"), min_length=1, description="Columns that hold a sentence each; not of .txt."
    )


class SentencesParameters(CorporaParameters):
    """Sentences of unequal length in the user's files, as stimuli for language models of other libraries."""

    parts: ClassVar = ("test",)  # that have any rows
    corpora: dict[Name, SentenceCorpus] = Field(
        min_length=1, description="Corpora by name, the values of the attribute `corpus`. Each sentence that differs "
        "from all before it is a stimulus. A name stands for the content: change it when the files change.",
    )  # fmt: skip

    def missing(self) -> str | None:
        """Files and patterns without any file."""
        if not (faults := _without_files(self.corpora)):
            return None
        return f"sentences: {'; '.join(faults)}. {REMEDY}"


def _without_files(corpora: Mapping[str, Corpus]) -> list[str]:
    return [f"no file at {corpora[name].path} (corpus {name})" for name in sorted(corpora) if not corpora[name].files()]


class BundledTextParameters(StreamParameters):
    """Text that every installation has, in six styles. What it holds depends on the installed versions."""

    corpora: Annotated[tuple[BundledCorpus, ...], Distinct] = Field(
        get_args(BundledCorpus),
        min_length=1,
        description="docstrings (of numerical libraries), headers (C++), library (Python), licenses, names (of "
        "characters) and topics (the language's reference); the tokenizer is made from all six, whichever are chosen.",
    )
    max_tokens: whole(ge=1, le=10**13) | None = Field(
        100_000,
        description="Take the first so many tokens of each corpus at most; null for all of them.",
    )
    windows: Count = Field(500, description="Test windows of each corpus, drawn once, with distinct starts.")
    vocabulary: Vocabulary = Field(4096, description="Tokens of the tokenizer at most.")
