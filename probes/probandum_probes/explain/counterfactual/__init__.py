"""Counterfactual explanations: the changes that would have turned a decision, re-run on the system."""
