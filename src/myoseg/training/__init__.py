"""Cases and a recipe in, trained networks out (paper, sections 2.3 and 2.4)."""
