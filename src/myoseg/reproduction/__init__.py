"""The paper's experiment from data to Table 1 and Figures 3 to 5 (sections 3 and 4)."""
