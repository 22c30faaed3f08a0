"""Studies in and out: data-set layouts, NIfTI files, label codings, geometry, checks, phantoms."""
