"""Stores of counted messages (`reports.store.Store`): SQLite for one server, PostgreSQL for several."""

from mailauth.stores.opening import open_store

__all__ = ["open_store"]
