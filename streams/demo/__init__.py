"""`kedge demo`: the whole system in one command, on librdkafka's built-in cluster and the New York flights of 2013."""
