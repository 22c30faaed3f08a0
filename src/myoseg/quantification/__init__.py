"""Predictions against truths: overlap, distances, volumes, and their statistics (section 3.3)."""
