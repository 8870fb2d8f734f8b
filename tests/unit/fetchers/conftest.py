"""The authority whose certificates the fetchers here trust."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from support.https_server import Authority

pytest.importorskip("h11", reason="h11 is not installed: pip install 'mailauth[fetch]'")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def context(authority: Authority) -> ssl.SSLContext:
    """The context of a server for `www.example.com`."""
    return authority.context("www.example.com")


@pytest.fixture(scope="session")
def roots(authority: Authority) -> Path:
    return authority.roots
