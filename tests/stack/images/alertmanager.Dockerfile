# Stands in for prom/alertmanager: Debian's Alertmanager.
FROM kedge-stack/upstream-base:1
RUN install --directory --owner=nobody /alertmanager
USER 65534
ENTRYPOINT ["prometheus-alertmanager"]
