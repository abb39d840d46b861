"""`kedge demo`, as far as it goes without Kafka."""
