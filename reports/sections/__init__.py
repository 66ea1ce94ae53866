"""One module per section of a page, discovered by its SECTION value."""
