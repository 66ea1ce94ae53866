"""The pages and the finance files: kinds, style, sections and templates."""
