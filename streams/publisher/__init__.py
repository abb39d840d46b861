"""What a serving node runs: predictions into a bounded queue, and from there to Kafka, never in its way."""
