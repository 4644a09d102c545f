"""The change of rates of groups over paired rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probandum.changing import NotComparable
from probandum.changing_rows import change_of_counted, paired_rows
from probandum.evidence import Table
from probandum.finding import Estimate
from probandum.row_items import Counted, RowItems, name_key
from probandum.stats import p_value
from probandum.subject import Subject

ROWS = 400


def audited(decided: np.ndarray, *, ids: list[str] | None = None, group: np.ndarray | None = None) -> RowItems:
    """Row items of decisions about people in two groups, half of them positive, as a probe of rates keeps them."""
    n = len(decided)
    groups = np.arange(n) % 2 if group is None else group
    columns = {
        "group": groups.astype(np.float64),
        "label": np.array([place // 2 % 2 for place in range(n)], dtype=float),
    }
    if ids is not None:
        columns["id"] = np.array(ids)
    subject = Subject(table=Table(columns), row_id=None if ids is None else "id")
    return subject.row_items({"": decided.astype(int), "sex": groups})


def counted(form: str, *, sides: int = 2, trials: tuple[int, ...] = (0, 1)) -> Counted:
    """Decisions of 1 among all, or among some."""
    return Counted(form=form, column="", events=(1,), trials=trials, sides=({"sex": 0}, {"sex": 1})[:sides])  # type: ignore[arg-type]


def change(base: RowItems, new: RowItems, what: Counted) -> Estimate:
    """The change of a share."""
    return change_of_counted(paired_rows(base, new), what, what, unit="share")


def decisions(seed: int, share: float = 0.5, n: int = ROWS) -> np.ndarray:
    """Independent decisions."""
    return (np.random.default_rng(seed).random(n) < share).astype(int)


def rate(decided: np.ndarray, side: int) -> float:
    """The share decided for in a group."""
    return float(decided[side::2].mean())


def test_each_form_changes_by_the_difference_of_both_audits() -> None:
    """Share, difference and ratio: new less base, as anyone can count."""
    before, after = decisions(1), decisions(2, 0.6)
    base, new = audited(before), audited(after)

    assert rate(after, 0) - rate(before, 0) == pytest.approx(change(base, new, counted("share", sides=1)).value)
    assert (rate(after, 0) - rate(after, 1)) - (rate(before, 0) - rate(before, 1)) == pytest.approx(
        change(base, new, counted("difference")).value
    )
    assert rate(after, 0) / rate(after, 1) - rate(before, 0) / rate(before, 1) == pytest.approx(
        change(base, new, counted("ratio")).value
    )


def test_a_share_that_counts_other_rows_each_time_is_no_share_of_pairs() -> None:
    """Precision: the rows found positive are others in each audit, so the change is no share of pairs."""
    what = Counted(form="share", column="", events=(2,), trials=(1, 2), sides=({"sex": 0},))
    before, after = (np.random.default_rng(seed).integers(3, size=ROWS) for seed in (1, 2))
    found = change(audited(before), audited(after), what)
    precision = [float((codes[::2] == 2).sum() / (codes[::2] > 0).sum()) for codes in (before, after)]

    assert "welch" == found.method
    assert precision[1] - precision[0] == pytest.approx(found.value)


def test_pairs_that_never_change_leave_room_for_those_that_were_not_drawn() -> None:
    """No change of 200 rows a group is no proof that nobody's decision would change."""
    same = audited(decisions(3))
    for what in (counted("share", sides=1), counted("difference"), counted("ratio")):
        found = change(same, same, what)

        assert found.low is not None and found.high is not None
        assert 0.0 == found.value
        assert found.low < 0.0 < found.high
        assert (0, 0) == (found.moved or (1, 1))[:2]


@given(st.integers(0, 10_000), st.sampled_from(["share", "difference", "ratio"]))
def test_swapping_the_audits_turns_the_sign_of_the_value(seed: int, form: str) -> None:
    """New less base is minus base less new, and its interval turns with it."""
    base, new = audited(decisions(seed)), audited(decisions(seed + 1, 0.55))
    what = counted(form, sides=1 if form == "share" else 2)
    one, other = change(base, new, what), change(new, base, what)

    assert -(other.value or 0) == pytest.approx(one.value)
    assert ((one.moved or ())[1::-1], (one.moved or ())[2:]) == ((other.moved or ())[:2], (other.moved or ())[2:])
    assert (-(other.high or 0), -(other.low or 0)) == pytest.approx((one.low, one.high))


def test_first_order_agrees_with_resampling() -> None:
    """The standard error of a ratio's change is that of resampled rows, group by group."""
    before, after = decisions(1, 0.5, 2000), decisions(2, 0.5, 2000)
    after = np.where(np.random.default_rng(3).random(2000) < 0.8, before, after)
    found = change(audited(before), audited(after), counted("ratio"))
    rng = np.random.default_rng(4)
    draws = []
    for _ in range(2000):
        places = [2 * rng.integers(1000, size=1000) + side for side in (0, 1)]
        ratios = [each[places[0]].mean() / each[places[1]].mean() for each in (before, after)]
        draws.append(ratios[1] - ratios[0])

    assert float(np.std(draws)) == pytest.approx((found.moments or (0, 0, 0))[1], rel=0.06)


@pytest.mark.parametrize("form", ["difference", "ratio"])
def test_the_interval_covers(form: str) -> None:
    """Of 400 pairs of audits with a planted change of 5 points, 90 % intervals hold it in 86 % to 96 %."""
    rng = np.random.default_rng(8)
    truth = -0.05 if form == "difference" else 0.45 / 0.5 - 1
    held = 0
    for _ in range(400):
        before = (rng.random(1000) < 0.5).astype(int)
        lost = rng.random(1000) < 0.1  # a tenth of the first group's approvals
        after = np.where(lost & (np.arange(1000) % 2 == 0), 0, before)
        found = change(audited(before), audited(after), counted(form))
        above, below = (
            p_value(found.method or "", truth, side=side, counts=found.counts, moments=found.moments)
            for side in ("above", "below")
        )
        held += min(above, below) >= 0.05

    assert 0.86 * 400 <= held <= 0.96 * 400


def test_rows_pair_by_their_id_wherever_they_stand() -> None:
    """The order of the file says nothing where rows have names."""
    before, after = decisions(4), decisions(5)
    ids = [f"p{place}" for place in range(ROWS)]
    order = np.random.default_rng(6).permutation(ROWS)
    shuffled = Table({"group": (np.arange(ROWS) % 2)[order].astype(float), "id": np.array(ids)[order]})
    base = Subject(table=Table({"group": (np.arange(ROWS) % 2).astype(float), "id": np.array(ids)}), row_id="id")
    new = Subject(table=shuffled, row_id="id")
    rows = paired_rows(
        base.row_items({"": before, "sex": np.arange(ROWS) % 2}),
        new.row_items({"": after[order], "sex": (np.arange(ROWS) % 2)[order]}),
    )

    assert ROWS == len(rows.before.keys)
    assert sorted(zip(before, after, strict=True)) == sorted(
        zip(rows.before.columns[""].tolist(), rows.after.columns[""].tolist(), strict=True)
    )


def test_rows_without_an_id_pair_by_place_and_are_refused_where_they_moved() -> None:
    """Anonymous rows in another order are other rows: the refusal says what to do."""
    before = decisions(7)
    moved = np.roll(np.arange(ROWS) % 2, 1)

    with pytest.raises(NotComparable, match="0 of the baseline's 400 rows recur, under 95 %; rows have no id"):
        paired_rows(audited(before), audited(before, group=moved))


def test_a_row_that_was_edited_is_another_row() -> None:
    """The same person with another group is not the same item."""
    ids = [f"p{place}" for place in range(ROWS)]
    groups = np.arange(ROWS) % 2
    edited = groups.copy()
    edited[:3] = 1 - edited[:3]
    rows = paired_rows(audited(decisions(8), ids=ids), audited(decisions(8), ids=ids, group=edited))

    assert (ROWS - 3, "397 rows paired; 3 left out; 3 new") == (len(rows.before.keys), rows.told)


def test_a_person_may_recur() -> None:
    """Rows of one name are told apart by their order, and found again by name and number."""
    kept = audited(decisions(9, n=4), ids=["a", "b", "a", "a"]).opened()
    keys = kept.keys.tolist()

    assert 4 == len(set(keys))
    assert [keys[0], keys[2], keys[3], keys[1]] == [*(name_key("a", number) for number in range(3)), name_key("b", 0)]


def test_the_answer_is_no_part_of_a_rows_content() -> None:
    """A log's decision column may differ, and the row is still the same."""
    table = {"sex": np.array(["F", "M"]), "approved": np.array([0.0, 1.0])}
    base = Subject(table=Table(table), answers=("approved",))
    new = Subject(table=Table({**table, "approved": np.array([1.0, 1.0])}), answers=("approved",))

    assert base.row_items({}).contents == new.row_items({}).contents
    assert base.row_items({}).keys == new.row_items({}).keys


def test_codes_that_do_not_fit_are_refused() -> None:
    """A code beyond 16 bits is an error, and never another code."""
    with pytest.raises(ValueError, match="codes up to 70000; expected 0 to 65535"):
        Subject(table=Table({"a": np.array([1.0])})).row_items({"": np.array([70000])})


def test_a_truncated_column_is_an_error() -> None:
    """Row items that hold fewer values than rows are damaged."""
    packed = audited(decisions(10))
    with pytest.raises(ValueError, match="hold 399 values for 400 rows"):
        replace(packed, contents=audited(decisions(10, n=399)).contents).opened()


def test_rows_without_names_have_keys_of_place_and_content() -> None:
    """None is written down; each is another, also where two rows hold the same, and the next audit finds it again."""
    packed = audited(decisions(10))
    keys = packed.opened().keys

    assert ("", False) == (packed.keys, packed.named)
    assert ROWS == len(set(keys.tolist()))
    assert keys.tolist() == audited(decisions(11)).opened().keys.tolist()
    assert audited(decisions(10), ids=[str(row) for row in range(ROWS)]).keys
