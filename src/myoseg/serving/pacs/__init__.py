"""A client of archives: an address and a study enter, its files leave; files enter and are stored.

Over DICOMweb or the classic DICOM protocol. Needs the extra `pacs`.
"""
