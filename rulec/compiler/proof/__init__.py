"""The parts of the proof, each a module."""
