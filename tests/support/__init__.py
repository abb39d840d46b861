"""What several test folders share: real processes, a real Kafka, waiting for a condition."""
