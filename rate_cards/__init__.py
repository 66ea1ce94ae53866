"""Dated price books, one YAML per provider, and their reader."""
