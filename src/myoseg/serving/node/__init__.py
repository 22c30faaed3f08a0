"""A DICOM node: studies are sent to it, their segmentations and reports go to an archive."""
