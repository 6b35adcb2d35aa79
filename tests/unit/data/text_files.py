"""Makes small corpora in the layouts that the hubs ship, and GPT-2's files of a small tokenizer."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whyalike.data.tokenization import train

WORDS = ["once", "upon", "a", "time", "the", "cat", "sat", "on", "one", "mat", "saw", "nothing", "because", "it"]


def story(seed: int, words: int = 60) -> str:
    """Sentences of random words with capitals, full stops and paragraphs."""
    drawn = np.random.default_rng(seed).choice(WORDS, words)
    sentences = [" ".join(drawn[i : i + 10]).capitalize() + "." for i in range(0, words, 10)]
    return "\n\n".join(" ".join(sentences[i : i + 3]) for i in range(0, len(sentences), 3))


def tinystories(path, texts):
    """TinyStories-train.txt of roneneldan/TinyStories: texts between lines `<|endoftext|>`, empty lines around."""
    path.write_text("".join(f"\n{text}\n<|endoftext|>\n" for text in texts), encoding="utf-8")


def parquet(path, **columns):
    """A shard such as data/train-00000-of-00004.parquet: wikitext has `text`, tiny-codes `prompt` and `response`."""
    pq.write_table(pa.table(columns), path, row_group_size=3)


def json_lines(path, rows):
    """One object a line, as `datasets` exports and tiny-codes' train.jsonl are; gzipped where the name ends so."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)


def gpt2_files(folder, vocabulary=400):
    """vocab.json and merges.txt as openai-community/gpt2 ships them: merges below a line `#version: 0.2`."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = train([story(seed) for seed in range(20)], vocabulary)
    model = json.loads(tokenizer.to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False), encoding="utf-8")
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    return tokenizer
