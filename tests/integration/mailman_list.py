"""One posting through Mailman 3 with a plugin: run with Mailman's Python, never with ours.

    python mailman_list.py FOLDER SMTP_PORT MESSAGE ZONE

FOLDER has `mailman_mailauth.py`, and takes all of Mailman's files. The list `ant@lists.example.org` has one member.
"""

from __future__ import annotations

import email
import json
import sys
from pathlib import Path

folder, port = Path(sys.argv[1]), sys.argv[2]
(folder / "mailman.cfg").write_text(
    f"""
[mailman]
layout: here
site_owner: owner@lists.example.org
[paths.here]
var_dir: {folder}
[mta]
smtp_host: 127.0.0.1
smtp_port: {port}
[arc]
enabled: no
[plugin.mailauth]
class: mailman_mailauth.Plugin
enabled: yes
"""
)
sys.path.insert(0, str(folder))

from mailman.core.initialize import initialize  # noqa: E402  after its configuration is written

initialize(str(folder / "mailman.cfg"))

import mailman_mailauth  # noqa: E402
from mailman.app.lifecycle import create_list  # noqa: E402
from mailman.core.pipelines import process  # noqa: E402
from mailman.email.message import Message  # noqa: E402
from mailman.interfaces.domain import IDomainManager  # noqa: E402
from mailman.interfaces.usermanager import IUserManager  # noqa: E402
from mailman.runners.outgoing import OutgoingRunner  # noqa: E402
from mailman.testing.helpers import make_testable_runner  # noqa: E402
from mailman.utilities.datetime import now  # noqa: E402
from zope.component import getUtility  # noqa: E402

from mailauth.resolvers import Zone  # noqa: E402

mailman_mailauth.RESOLVER = Zone(json.loads(Path(sys.argv[4]).read_text()))
getUtility(IDomainManager).add("lists.example.org")
ant = create_list("ant@lists.example.org")
member = getUtility(IUserManager).create_address("robin@example.org", "Robin")
member.verified_on = now()
ant.subscribe(member)

raw = Path(sys.argv[3]).read_bytes()
posting = email.message_from_bytes(raw, Message)
posting.original_size = len(raw)
data = {"listid": ant.list_id, "original_size": len(raw), "original_sender": "anna@example.com"}
process(ant, posting, data, ant.posting_pipeline)
make_testable_runner(OutgoingRunner, "out").run()
