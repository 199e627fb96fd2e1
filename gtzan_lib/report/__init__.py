"""The report: its numbers, claims, tables, figures, pages and PDF."""
