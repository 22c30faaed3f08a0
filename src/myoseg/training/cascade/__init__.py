"""Training of the default model: slices, simulated or labelled, in; two stages' networks out."""
