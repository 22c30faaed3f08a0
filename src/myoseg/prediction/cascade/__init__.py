"""Prediction with the default model: the heart is found, framed, drawn, then its disease."""
