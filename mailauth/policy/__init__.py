"""What to do with a message whose sender is known: decisions as values, and the rules that make them."""

from mailauth.policy.decide import decide, local_client
from mailauth.policy.decision import Decision, Override, Reply, reply
from mailauth.policy.requirements import one_click
from mailauth.policy.rules import POINTS, PRESETS, Rules

__all__ = [
    "POINTS",
    "PRESETS",
    "Decision",
    "Override",
    "Reply",
    "Rules",
    "decide",
    "local_client",
    "one_click",
    "reply",
]
