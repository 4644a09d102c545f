"""Whether the AI Act speaks of a system at all, and from when of an older one: Art. 3(1) and Art. 2, and Art. 111(2).

Both are for people to say. That the Act does not speak of a system counts where a named person says so with reasons;
until when a system is an older one, the timeline of the pack says, and whether it is, the day that the card states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from probandum.law.card_keys import IN_SCOPE, PLACED, placed, settled_roles, truth
from probandum.law.loading import Catalogue
from probandum.speech import said
from probandum.stating import Stated, is_said, plainly, stated, words

#: Why the Act does not speak of the system.
REASONS = "in_scope_reasons"
#: Roles that a card settles and that say of the deployer that it is a public authority.
_PUBLIC = ("deployer-public-authority", "deployer-public-authority-1-6-7", "deployer-law-enforcement")


def outside(card: Mapping[str, Any]) -> Stated | None:
    """Who says, with reasons, that the Act does not speak of the system; None where nobody does so.

    The key itself has to say who and when, since a card's ``declared`` speaks for no denial; and neither a name nor
    reasons are what says that there are none, or that somebody has yet to say them.

    >>> denied = {"value": False, "by": "A. Example", "date": "2026-11-01"}
    >>> outside({"in_scope": denied}), outside({"in_scope": denied, "in_scope_reasons": "none"})
    (None, None)
    >>> outside({"in_scope": denied, "in_scope_reasons": "Fixed rules of people"}).by
    'A. Example'
    """
    if truth(plainly(card), IN_SCOPE) is not False:
        return None
    denied, reasons = stated(card, IN_SCOPE), stated(card, REASONS)
    if denied is None or not denied.own or reasons is None:
        return None
    return denied if is_said(reasons.value) else None


def denial(card: Mapping[str, Any]) -> str:
    """By whom, on which day and for which reasons the Act does not speak of the system; empty where it does.

    >>> denied = {"value": False, "by": "A. Example", "date": "2026-11-01"}
    >>> denial({"in_scope": denied, "in_scope_reasons": "Rules."})
    'By A. Example on 2026-11-01, the AI Act does not speak of this system. The reasons, not examined here: Rules.'
    """
    denied, reasons = outside(card), stated(card, REASONS)
    if denied is None or reasons is None:
        return ""
    return said(
        "By {name} on {day}, the AI Act does not speak of this system. The reasons, not examined here: {reasons}.",
        name=denied.by,
        day=denied.on,
        reasons=words(reasons.value).rstrip("."),
    )


def cut_off(law: Catalogue, *, product_route: bool) -> str:
    """The day from which on a high-risk system is no older one: when Chapter III begins to apply to it."""
    return str(law.timeline[f"ai-act-date:grandfather{'-annex-i' if product_route else ''}"].dates.formal)


def older(plain: Mapping[str, Any], law: Catalogue, *, product_route: bool) -> str:
    """From when Art. 111(2) lets the duties of a high-risk system bind that came before the cut-off; else empty."""
    day, before = placed(plain), cut_off(law, product_route=product_route)
    if not day or day >= before:
        return ""
    told = said("only from a significant change in its design on or after {day}", day=before)
    return f"{told}{_public(plain, law)}"


def remark(plain: Mapping[str, Any], law: Catalogue, *, product_route: bool) -> str:
    """What Art. 111(2) makes of the day on which a high-risk system came onto the market or into service.

    Empty where it came after the cut-off: the dates are then those of the pack.
    """
    day, before = placed(plain), cut_off(law, product_route=product_route)
    if day and day >= before:
        return ""
    told = (
        f"a high-risk system that came onto the market or into service before {before} has its duties only from a "
        f"significant change in its design on or after that day{_public(plain, law)} (Art. 111(2), not settled)"
    )
    if day:
        return f"{told}; of this one the card says {day}"
    if day == "":
        return f"{told}; this one has not come yet, the card says"
    return f"{told}; the card does not say {PLACED}, and the dates here are those of later systems"


def _public(plain: Mapping[str, Any], law: Catalogue) -> str:
    """How long public authorities have at the latest; empty where the card says that the deployer is none."""
    settled = settled_roles(plain, law)
    latest = law.timeline["ai-act-date:public-authorities"].dates.formal
    if any(settled.get(role) for role in _PUBLIC):
        return said(", and by {day} in any case, since a public authority is to use it", day=latest)
    if settled.get(_PUBLIC[0]) is False:
        return ""
    return said(", and by {day} in any case where public authorities are to use it", day=latest)


def parties_in_chain(plain: Mapping[str, Any], law: Catalogue) -> bool:
    """Whether others than provider and deployer may bear duties: where the card's own role is neither, or abroad."""
    settled = settled_roles(plain, law)
    abroad: Sequence[str] = ("provider-high-risk-third-country", "gpai-provider-third-country")
    return words(plain.get("role")).lower().startswith("neither") or any(settled.get(role) for role in abroad)
