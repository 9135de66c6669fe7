"""The modules of connection tracking: which a host loads and why, how they are removed, and how they stay away."""
