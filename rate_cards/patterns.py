"""Patterns of cards and of the book, as SQL compares them."""


def like(pattern: str) -> str:
    """A pattern with `*` as a LIKE pattern with escape character `!`."""
    return "".join(f"!{char}" if char in "!%_" else char for char in pattern).replace("*", "%")
