"""What passes told, in numbers, for Prometheus and whatever reads its text format."""
