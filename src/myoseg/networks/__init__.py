"""The networks of section 2.4: stacked sequences in, one probability map a block out."""
