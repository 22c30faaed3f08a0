"""Figures and tables for readers: case previews, Table 1, Figures 3 to 5 (section 4)."""
