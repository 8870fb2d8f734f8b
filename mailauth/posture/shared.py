"""Platforms that send for many customers from the same addresses, by the name that their customers include in SPF.

Each name is from the setup guide of the platform, at the site given with it. The list is short on purpose: it explains
what a shared platform means, and does not try to know all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mailauth import names


class Platform(NamedTuple):
    """A platform, and the site of its setup guide."""

    name: str
    source: str


PLATFORMS: Mapping[str, Platform] = {
    "_spf.google.com": Platform("Google Workspace", "support.google.com"),
    "spf.protection.outlook.com": Platform("Microsoft 365", "learn.microsoft.com"),
    "amazonses.com": Platform("Amazon SES", "docs.aws.amazon.com"),
    "sendgrid.net": Platform("Twilio SendGrid", "www.twilio.com/docs/sendgrid"),
    "servers.mcsv.net": Platform("Mailchimp", "mailchimp.com/help"),
    "spf.mandrillapp.com": Platform("Mailchimp Transactional", "mailchimp.com/developer"),
    "mailgun.org": Platform("Mailgun", "documentation.mailgun.com"),
    "spf.mtasv.net": Platform("Postmark", "postmarkapp.com/support"),
    "spf.mailjet.com": Platform("Mailjet", "documentation.mailjet.com"),
    "spf.sendinblue.com": Platform("Brevo", "help.brevo.com"),
    "spf.brevo.com": Platform("Brevo", "help.brevo.com"),
    "_spf.salesforce.com": Platform("Salesforce", "help.salesforce.com"),
    "mail.zendesk.com": Platform("Zendesk", "support.zendesk.com"),
    "zohomail.com": Platform("Zoho Mail", "www.zoho.com/mail/help"),
    "zoho.com": Platform("Zoho Mail", "www.zoho.com/mail/help"),
    "sparkpostmail.com": Platform("SparkPost", "support.sparkpost.com"),
    "relay.mailchannels.net": Platform("MailChannels", "docs.mailchannels.com"),
    "mx.ovh.com": Platform("OVHcloud", "help.ovhcloud.com"),
    "_mailcust.gandi.net": Platform("Gandi", "docs.gandi.net"),
    "secureserver.net": Platform("GoDaddy", "www.godaddy.com/help"),
}


def platform_of(target: str) -> Platform | None:
    """Return the shared platform that an included name belongs to."""
    return next((each for name, each in PLATFORMS.items() if names.is_under(target, name)), None)
