"""What several folders of tests share: a folder imports from itself and from here."""
