"""What differs between kernels: when packets are tracked, which modules and settings there are."""
