"""Training of the default model: simulated or labelled slices in, the networks of two stages out."""
