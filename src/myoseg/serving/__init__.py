"""The network: studies come in from archives, results go out to them."""
