"""Sets of packets: exact, immutable, with the operators of sets.  It knows packets, and no iptables."""
