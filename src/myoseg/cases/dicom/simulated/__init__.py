"""Simulated studies as DICOM: a drawn study enters, data sets as scanners write them leave."""
