"""The law: dated, versioned requirements as data, loaded and checked on first use.

catalogue().get("ai-act:annex-iv:2:g").cited         # 'AI Act, Annex IV(2)(g)'
catalogue().entries_of("gdpr:35")                    # Article 35, in order
bind(card)                                           # what binds a system, judged from its card alone

No statement of this package is legal advice or a verdict about a system.
"""

from __future__ import annotations

from probandum.law.binding import Binding, Bound, Open, bind
from probandum.law.entries import (
    Dates,
    FormField,
    Milestone,
    Pack,
    Question,
    Remark,
    Requirement,
    Role,
    Standard,
    UseCase,
)
from probandum.law.loading import Catalogue, catalogue, load

__all__ = [
    "Binding",
    "Bound",
    "Catalogue",
    "Dates",
    "FormField",
    "Milestone",
    "Open",
    "Pack",
    "Question",
    "Remark",
    "Requirement",
    "Role",
    "Standard",
    "UseCase",
    "bind",
    "catalogue",
    "load",
]
