"""DICOM: folders of a scanner's files enter, sequences on their grids leave, and studies back."""
