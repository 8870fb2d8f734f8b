"""How servers write a Received field around what a client says in HELO."""

# The address that each of them saw
OTHER = "203.0.113.66"
# How a server writes what it saw, and {} what the client said
AROUND = {
    "Postfix": "from {} (host.example.net [203.0.113.66]) by mx.example.org (Postfix) with ESMTPS id 1",
    "Exim": "from host.example.net ([203.0.113.66] helo={}) by mx.example.org with esmtps (Exim 4.97) id 1r",
    "Exim, no name": "from [203.0.113.66] (helo={}) by mx.example.org with esmtps (Exim 4.97) id 1r",
    "Exchange": "from {} (203.0.113.66) by mx.example.org (10.0.0.1) with Microsoft SMTP Server id 15.20.1.1",
    "Domino": "from {} ([203.0.113.66]) by mx.example.org (IBM Domino Release 9) with ESMTP id 1",
    "qmail": "from unknown (HELO {}) (203.0.113.66) by mx.example.org with SMTP",
    "IronPort": "from host.example.net (HELO {}) ([203.0.113.66]) by mx.example.org with ESMTP",
    "Yahoo": "from 203.0.113.66 (EHLO {}) by 10.1.1.1 with SMTPS",
    "GMX": "from host.example.net (EHLO {}) [203.0.113.66] by mail.gmx.example (mp033) with SMTP",
    "CommuniGate Pro": "from [203.0.113.66] (HELO {}) by mx.example.org (CommuniGate Pro SMTP 6.2) with ESMTP id 1",
    "zmailer": 'from host.example.net ([203.0.113.66]:4711 "EHLO {}") by mx.example.org with ESMTP id S1',
    "chasquid": "from [203.0.113.66] ({}) by mx.example.org (chasquid) with ESMTPS",
    "chasquid, unnamed": "from [203.0.113.66] ({}) by mx.example.org with ESMTPS",
}
