"""The words of aggregate reports, which their writer and their reader share (RFC 9990 Appendix A)."""

from __future__ import annotations

NAMESPACE = "urn:ietf:params:xml:ns:dmarc-2.0"
POLICIES = frozenset({"none", "quarantine", "reject"})
DISPOSITIONS = POLICIES | {"pass"}
VERDICTS = frozenset({"pass", "fail"})
DKIM = frozenset({"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"})  # RFC 8601 §2.7.1
SPF = DKIM | {"softfail"}  # RFC 8601 §2.7.2
# By the form of a report: RFC 7489 Appendix C has words that RFC 9990 has no more, and the other way round
OVERRIDES_BY_FORM = {
    "rfc9990": frozenset({"local_policy", "mailing_list", "other", "policy_test_mode", "trusted_forwarder"}),
    "rfc7489": frozenset({"forwarded", "local_policy", "mailing_list", "other", "sampled_out", "trusted_forwarder"}),
}
OVERRIDES = OVERRIDES_BY_FORM["rfc9990"] | OVERRIDES_BY_FORM["rfc7489"]
