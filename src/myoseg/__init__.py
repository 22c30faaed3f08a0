"""myoseg: myocardial scar and edema from cardiac MR."""
