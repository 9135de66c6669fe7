"""The configuration files of a host that say which modules are loaded, and how large the conntrack table is."""
