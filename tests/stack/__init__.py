"""`make stack-test`: the Compose file as it stands, brought up for real in a Docker engine of its own.

Upstream's images are stood in for by the same software from Debian and Maven, under the names that the file uses;
Grafana is left out. `__main__` is the walk.
"""
