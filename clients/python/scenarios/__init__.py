"""The promises of ../../scenarios.md, kept with grpcio."""
