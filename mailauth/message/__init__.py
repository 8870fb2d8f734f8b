"""The message as octets: fields, canonical forms, and the small grammars that its fields are written in."""

from mailauth.message.fields import Message, Octets

__all__ = ["Message", "Octets"]
