"""The scenarios of ../../scenarios.md with grpcio."""
