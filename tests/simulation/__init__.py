"""A seeded simulation of the agents' own cores over a log like Kafka's, compared with a plain recount."""
