"""Tests on a real Apache Kafka and real processes."""
