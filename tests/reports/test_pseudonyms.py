"""What reports copy of raw observations: no id of a row, and nothing that points at one person."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from browsing import Page
from dossiers import make_dossier, make_observations, make_recorded
from probandum import codec
from probandum.evidence import Observation, PerToken, Response
from probandum_reports import html
from probandum_reports.pseudonyms import masked, pseudonymised

ROWS, TEXTS = make_observations()
_IBAN = "DE89 3704 0044 0532 0130 00"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("write to Jo.Doe+x@mail.example.org.", "write to [e-mail address]."),
        (f"pay to {_IBAN}!", "pay to [account number]!"),
        ("card 4111 1111 1111 1111", "card [card number]"),
        ("call (030) 123-4567 or 0171 2345678", "call [telephone number] or [telephone number]"),
        ("call 555-867-5309", "call [telephone number]"),
        ("number 078-05-1120", "number [identity number]"),
        ("from 192.168.0.1", "from [network address]"),
        ("pay to de89370400440532013000.", "pay to [account number]."),
        ("IBAN DE89-3704-0044-0532-0130-00", "IBAN [account number]"),
        ("de89 3704 0044 0532 0130 00", "[account number]"),
        ("call 555.123.4567 or 1-555-867-5309", "call [telephone number] or [telephone number]"),
        ("Tel. 0 30 / 123 45 67, (0 30) 123 45 67", "Tel. [telephone number], [telephone number]"),
        ("row,030 1234567,x", "row,[telephone number],x"),
        ("from 2001:db8::1 and fe80::1ff:fe23:4567:890a", "from [network address] and [network address]"),
        ("jo\uff20example.org", "[e-mail address]"),
        ("Steuer-ID 12 345 678 901, Nr. 93/815/08152", "Steuer-ID [tax number], Nr. [tax number]"),
        ("4111111111111111", "[card number]"),
        ("Amex 3714 496353 98431 or 371449635398431", "Amex [card number] or [card number]"),
        ("Steuer-ID 86095742719, not 86095742718", "Steuer-ID [tax number], not 86095742718"),
    ],
)
def test_what_points_at_one_person_is_masked(text: str, shown: str) -> None:
    """Each form by what it is."""
    assert shown == masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "on 2026-11-01 at 09:30",
        "1,299 of 12,000",
        "0.123456789 and 1e-09",
        "Rachel Smith, aged 42",
        "§ 12(3), 10:20:30",
        "0.0123456789, 3.141592653589793, 0,0123456789",
        "01/11/2026, 01-11-2026, 01.11.2026 09:30, 2026-01-11 09:30",
        "sha256:0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e",
        "commit ab12cdef0123, be12 some more text here",
        "row 00012345 of 20,000; x[1::2]; std::vec",
        "labels 0 1 0 1 1 0 0 1, 12 345 678 901 234",
        "1732838400000000000",
    ],
)
def test_ordinary_numbers_stay(text: str) -> None:
    """A mask that took dates and figures away would leave no evidence."""
    assert text == masked(text)


def test_rows_are_named_by_their_place_alone() -> None:
    """Neither their ids nor their groups: with the decision beside them, both would be about persons."""
    asked = {**ROWS.asked, "keys": ["anna", "bo", "cy"], "groups": ["F", "M", "F"]}
    told = pseudonymised(replace(ROWS, asked=asked))

    assert ROWS.asked == told.asked
    assert codec.encode(ROWS) == codec.encode(told)


def _written(observation: Observation, folder: Path) -> list[str]:
    html.evidence(make_dossier(observations=lambda: map(make_recorded, [ROWS, observation])), folder)
    made = folder / "evidence"
    return [(made / f"bias.group-rates.{kind}").read_text("utf-8") for kind in ("html", "jsonl")]


def test_neither_page_nor_raw_lines_repeat_an_address(tmp_path: Path) -> None:
    """In questions, in keys, in answers, in errors, and in the tokens that spell it."""
    said = "I am jo@example.org."
    tokens = PerToken(
        tokens=("I", " am", " jo", "@example", ".org", "."),
        starts=(0, 1, 4, 7, 15, 19),
        ends=(1, 4, 7, 15, 19, 20),
        values=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
    )
    asked = {**TEXTS.asked, "inputs": [said, "Hello."], "keys": [said, "Hello."], "prefix": said}
    plain = PerToken(tokens=("Hello", "."), starts=(0, 5), ends=(5, 6), values=(0.1, 0.2))
    answer = Response(outputs=np.zeros((2, 1)), labels=("x",), texts=(said, "No."), per_token=(tokens, plain))
    page, lines = _written(replace(TEXTS, asked=asked, answer=answer), tmp_path)

    for text in (page, lines):
        assert "example" not in text
        assert "I am [e-mail address]." in text
    (first, second) = json.loads(lines.splitlines()[-1])["answer"]["per_token"]
    assert ["I", " am", "[masked]", "[masked]", "[masked]", "."] == first["tokens"]
    assert ["Hello", "."] == second["tokens"]
    assert "at [network address]" in "".join(_written(replace(TEXTS, answer=Response(error="at 10.0.0.1")), tmp_path))


def test_the_page_says_so(tmp_path: Path) -> None:
    """A reader who finds a mask learns what it is, and that names are none."""
    page = Page(_written(TEXTS, tmp_path)[0].encode()).text

    assert "named here by their place in the question alone" in page
    assert "is masked; names are not" in page
