"""The shell that runs the cores: Faust for agents and the group, Kafka's transactions for everything that counts."""
