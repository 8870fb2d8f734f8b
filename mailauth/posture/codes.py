"""The codes of findings, what they weigh, and what the catalogue says of each. Knows no finding."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """What an impostor could do with a finding."""

    CRITICAL = "critical"  # send as the domain, or take over its mail, today
    HIGH = "high"  # do so at some receivers or for some names, or a protection fails entirely
    MEDIUM = "medium"  # gain from a protection that fails in part
    LOW = "low"  # gain only together with something else; or nothing, but mail to the domain suffers, or its logo
    NOTE = "note"  # nothing; worth knowing


class Code(StrEnum):
    """What was found: stable codes for programs."""

    SPF_MISSING = "spf_missing"
    SPF_NEAR_MISS = "spf_near_miss"
    SPF_MULTIPLE = "spf_multiple"
    SPF_SYNTAX = "spf_syntax"
    SPF_PASS_ALL = "spf_pass_all"  # noqa: S105  not a password
    SPF_REGISTRABLE = "spf_registrable"
    SPF_TARGET_BROKEN = "spf_target_broken"
    SPF_TARGET_MISSING = "spf_target_missing"
    SPF_LOOP = "spf_loop"
    SPF_LOOKUPS = "spf_lookups"
    SPF_VOID_LOOKUPS = "spf_void_lookups"
    SPF_VOID_STRICT = "spf_void_strict"
    SPF_MX_NAMES = "spf_mx_names"
    SPF_WIDE = "spf_wide"
    SPF_NEUTRAL_ALL = "spf_neutral_all"
    SPF_NO_ALL = "spf_no_all"
    SPF_SOFTFAIL_ALL = "spf_softfail_all"
    SPF_NOT_PARKED = "spf_not_parked"
    SPF_PTR = "spf_ptr"
    SPF_SIZE = "spf_size"
    SPF_IGNORED = "spf_ignored"
    SPF_SHARED = "spf_shared"
    SPF_MACRO = "spf_macro"
    DMARC_MISSING = "dmarc_missing"
    DMARC_REGISTRABLE = "dmarc_registrable"
    DMARC_TARGET_MISSING = "dmarc_target_missing"
    DMARC_IGNORED = "dmarc_ignored"
    DMARC_UNUSABLE = "dmarc_unusable"
    DMARC_NONE = "dmarc_none"
    DMARC_SUBDOMAINS_NONE = "dmarc_subdomains_none"
    DMARC_MISSING_NONE = "dmarc_missing_none"
    DMARC_OLD_RECEIVERS = "dmarc_old_receivers"
    DMARC_TESTING = "dmarc_testing"
    DMARC_QUARANTINE = "dmarc_quarantine"
    DMARC_TAG_INVALID = "dmarc_tag_invalid"
    DMARC_TAG_REMOVED = "dmarc_tag_removed"
    DMARC_NO_REPORTS = "dmarc_no_reports"
    DMARC_REPORT_REGISTRABLE = "dmarc_report_registrable"
    DMARC_REPORT_MISSING = "dmarc_report_missing"
    DMARC_REPORT_REFUSED = "dmarc_report_refused"
    DKIM_REGISTRABLE = "dkim_registrable"
    DKIM_SHORT_KEY = "dkim_short_key"
    DKIM_TARGET_MISSING = "dkim_target_missing"
    DKIM_SYNTAX = "dkim_syntax"
    DKIM_UNUSABLE = "dkim_unusable"
    DKIM_MULTIPLE = "dkim_multiple"
    DKIM_SELECTOR_MISSING = "dkim_selector_missing"
    DKIM_WILDCARD = "dkim_wildcard"
    DKIM_1024 = "dkim_1024"
    DKIM_TESTING = "dkim_testing"
    DKIM_SAME_KEY = "dkim_same_key"
    DKIM_REVOKED = "dkim_revoked"
    DKIM_NOT_PARKED = "dkim_not_parked"
    MX_REGISTRABLE = "mx_registrable"
    MX_TARGET_MISSING = "mx_target_missing"
    MX_LITERAL = "mx_literal"
    MX_ALIAS = "mx_alias"
    MX_NULL_AND_OTHERS = "mx_null_and_others"
    MX_NULL_SENDS = "mx_null_sends"
    MX_MISSING = "mx_missing"
    MX_NOT_PARKED = "mx_not_parked"
    DOMAIN_REGISTRABLE = "domain_registrable"
    DOMAIN_TARGET_MISSING = "domain_target_missing"
    DOMAIN_MISSING = "domain_missing"
    DNSSEC_INSECURE = "dnssec_insecure"
    MTA_STS_MISSING = "mta_sts_missing"
    MTA_STS_RECORD = "mta_sts_record"
    MTA_STS_POLICY = "mta_sts_policy"
    MTA_STS_MX = "mta_sts_mx"
    MTA_STS_NOT_ENFORCED = "mta_sts_not_enforced"
    MTA_STS_MAX_AGE = "mta_sts_max_age"
    TLS_RPT_MISSING = "tls_rpt_missing"
    TLS_RPT_RECORD = "tls_rpt_record"
    TLS_RPT_UNUSABLE = "tls_rpt_unusable"
    DANE_MX_INSECURE = "dane_mx_insecure"
    DANE_UNUSABLE = "dane_unusable"
    DANE_RECORD_UNUSABLE = "dane_record_unusable"
    DANE_PARTIAL = "dane_partial"
    SMTP_NO_TLS = "smtp_no_tls"
    SMTP_PROMISED = "smtp_promised"
    SMTP_CERTIFICATE = "smtp_certificate"
    SMTP_DANE = "smtp_dane"
    SMTP_OLD_TLS = "smtp_old_tls"
    SMTP_DOWNGRADE = "smtp_downgrade"
    BIMI_RECORD = "bimi_record"
    BIMI_POLICY = "bimi_policy"
    BIMI_LOGO = "bimi_logo"
    BIMI_EVIDENCE = "bimi_evidence"
    BIMI_NO_EVIDENCE = "bimi_no_evidence"


class Entry(NamedTuple):
    """What is the same for every finding of a code."""

    severity: Severity
    threat: str
    rule: str
    remedy: str
    section: str


def entries(section: str, rows: Mapping[Code, tuple[Severity, str, str, str]]) -> dict[Code, Entry]:
    """Return the entries of a section."""
    return {code: Entry(*row, section) for code, row in rows.items()}
