"""The reasoner that the core finds when a person wants one decision explained."""

from __future__ import annotations

from probandum.errors import TargetError
from probandum.evidence import Capability
from probandum.probe import Ask
from probandum.reasons import Reasons, Wanted, register_reasoner
from probandum_probes.explain.person.row_reasons import RowReasons
from probandum_probes.explain.person.text_reasons import text_reasons


class DecisionReasoner:
    """Explains the decisions of text classifiers by words, and those on rows by columns."""

    def reasons(self, ask: Ask, wanted: Wanted) -> Reasons:
        """What the decision on the wanted row rests on."""
        if Capability.CLASSIFY in ask.capabilities:
            return text_reasons(ask, wanted)
        if Capability.PREDICT in ask.capabilities:
            return RowReasons.of(ask, wanted).reasons()
        answers = ", ".join(sorted(ask.capabilities)) or "nothing"
        raise TargetError(
            f"a decision is explained by the class probabilities of changed inputs, and this system answers {answers}",
            remedy="decisions of rows and of text classifiers can be explained",
        )


register_reasoner(DecisionReasoner())
