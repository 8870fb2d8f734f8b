"""What to do with a message whose sender is known: decisions as values, and the rules that make them."""

from mailauth.policy.decision import Decision, Override, Reply, reply

__all__ = ["Decision", "Override", "Reply", "reply"]
