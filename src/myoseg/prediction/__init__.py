"""From a case to its segmentation: ensemble, post-processing, linear decoder (paper, Figure 1)."""
