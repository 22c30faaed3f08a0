"""Cases to samples: extraction, augmentation, normalisation, linear encoder (2.1 to 2.3)."""
