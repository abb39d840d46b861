# Stands in for prom/prometheus: Debian's Prometheus.
FROM kedge-stack/upstream-base:1
RUN install --directory --owner=nobody /prometheus
USER 65534
ENTRYPOINT ["prometheus"]
