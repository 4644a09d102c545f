"""The page of `gpu_scoring.py`: tables of what was measured, each figure with its spread, and what was not."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pages
from llamas import SHAPES, Product

ABOUT = """\
Prompts of bias.name-swap with the tokenizer of SmolLM2; random weights. *Shared*: the engine, common beginnings of a
pack computed once. *Batched*: whole sequences, equal lengths in one pass. *Single*: one sequence a pass, full logits.
*Writing*: greedy texts side by side. Tokens were made beforehand. *Tokens/s*: as a model reads them that shares
nothing, or written ones; *computed*: those that go through the layers, beginnings of written texts included. Memory is
beyond the weights. Joules are gross, of the GPU's own counter. Figures are medians over rounds, with the smallest and
the largest.
"""
FORMULA = """\
Operations: 2 x weights of the layers x tokens computed, 2 x weights of the head x rows asked for, nothing for the
embedding, and attention: 4 x layers x width x pairs of a token and one that it sees. *Of the square*: operations a
second over the median of the square product. *Of its own products*: the time that the same operations take at the
medians of the model's own matrices, attention's at the square's, over the time that the way took.
"""


def parts(found: Sequence[Mapping[str, Any]], left_out: Sequence[str]) -> list[str]:
    """The page below its head."""
    done = [row for row in found if "ways" in row]
    head = ["model", "precision", "way", "prompts/s", "tokens/s", "computed/s", "J a prompt", "peak MiB", "apart, nats"]
    shares = ["model", "precision", "way", "TFLOP a run", "TFLOP/s", "of the square", "of its own products"]
    sides = ["model", "precision", "product", "rows x in x out", "TFLOP/s"]
    return [
        ABOUT,
        "\n".join(_said(found, left_out)),
        pages.table(head, (line for row in done for line in _speeds(row))),
        "## Share of the matrix-multiply peak\n\n" + FORMULA,
        pages.table(shares, (line for row in done for line in _shares(row))),
        "## The products\n\n" + pages.table(sides, (line for row in done for line in _products(row))),
        "## What sharing saves, and what is not the GPU's\n\n"
        + "\n".join(line for row in done for line in _saved(row)),
        "## Tokens a pass\n\nShared, prompts/s; the engine takes what stands in bold.\n\n" + _passes(done),
    ]


def own_seconds(row: Mapping[str, Any], way: Mapping[str, Any]) -> float:
    """The seconds of a way's operations at the rates of the products: each matrix its own, attention as the square."""
    shape = SHAPES[row["shape"]]
    rates = {each.name: each.middle for each in row["products"]}
    twice = {"query, output", "key, value", "gate, up"}
    layer = sum(
        (2 if name in twice else 1) * 2 * inside * outside / rates[name]
        for name, (inside, outside) in shape.matrices().items()
    )
    layers = way["computed"] * shape.layers * layer
    matrices = 2 * way["computed"] * shape.layers * shape.layer_weights
    head = 2 * shape.words * shape.width * way["rows"]
    attention = way["operations"] - matrices - head
    return float(layers + head / rates["head"] + attention / rates["square"])


def _said(found: Sequence[Mapping[str, Any]], left_out: Sequence[str]) -> Iterator[str]:
    for row in found:
        yield f"- {row['memory']}" + (f"; not tried: {row['why_not']}" if "why_not" in row else "")
    if left_out:
        yield f"- Left out, since the time was up: {'; '.join(left_out)}."


def _label(row: Mapping[str, Any]) -> list[str]:
    return [row["shape"], row["dtype"]]


def _speeds(row: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, way in row["ways"].items():
        yield [
            *_label(row),
            name,
            *(pages.spread([way[of] / each for each in way["seconds"]], 1) for of in ("prompts", "tokens", "computed")),
            pages.spread([each / way["prompts"] for each in way["joules"]], 3) if way["joules"] else "not read",
            "not read" if way["peak"] is None else f"{way['peak'] / 2**20:,.0f}",
            f"{row['apart'][name]:.1e}" if name in row["apart"] else "",
        ]


def _shares(row: Mapping[str, Any]) -> Iterator[list[str]]:
    square = next(each for each in row["products"] if each.name == "square")
    for name, way in row["ways"].items():
        rates, own = [way["operations"] / each for each in way["seconds"]], own_seconds(row, way)
        yield [
            *_label(row),
            name,
            f"{way['operations'] / 1e12:.3g}",
            pages.spread([each / 1e12 for each in rates], 3),
            pages.spread([each / square.middle for each in rates], 3),
            pages.spread([own / each for each in way["seconds"]], 3),
        ]


def _products(row: Mapping[str, Any]) -> Iterator[list[str]]:
    each: Product
    for each in row["products"]:
        rates = pages.spread([rate / 1e12 for rate in each.rates], 3)
        yield [*_label(row), each.name, " x ".join(f"{side:,}" for side in each.sides), rates]


def _saved(row: Mapping[str, Any]) -> Iterator[str]:
    ways = row["ways"]
    if "shared" not in ways:
        return
    text = [_faster(ways["shared"], ways[name], name) for name in ("batched", "single") if name in ways]
    prompting, scoring = statistics.median(row["prompting"]), statistics.median(ways["shared"]["seconds"])
    yield (
        f"- {', '.join(_label(row))}: shared is {' and '.join(text) or 'alone'}. Templates and tokens take "
        f"{pages.spread(row['prompting'])} s of the CPU before that, {prompting / (prompting + scoring):.0%} of both."
        + ("" if row["shares_prefixes"] else " This model's prefixes are NOT shared.")
    )


def _faster(shared: Mapping[str, Any], other: Mapping[str, Any], name: str) -> str:
    """How much faster a prompt is, round by round, and at what part of the energy."""

    def ratios(of: str) -> list[float]:
        return [
            (theirs / other["prompts"]) / (ours / shared["prompts"])
            for ours, theirs in zip(shared[of], other[of], strict=False)
        ]

    energy = f" at 1/{pages.spread(ratios('joules'), 1)} of the joules" if shared["joules"] else ""
    return f"{pages.spread(ratios('seconds'), 1)} times as fast as {name}{energy}"


def _passes(done: Sequence[Mapping[str, Any]]) -> str:
    sizes = list(done[0]["passes"]) if done else []
    rows = []
    for row in done:
        cells = [
            (f"**{pages.spread(values, 0)}**" if size == row["engine"] else pages.spread(values, 0)) if values else ""
            for size, values in row["passes"].items()
        ]
        rows.append([*_label(row), *cells])
    return pages.table(["model", "precision", *sizes], rows)
