# Stands in for apache/kafka: the same Kafka, set up by the same KAFKA_* variables.
FROM kedge-stack/upstream-base:1
RUN useradd --uid 1000 --no-create-home appuser \
    && install --directory --owner=appuser /var/lib/kafka/data
COPY jars /opt/kafka/libs
COPY kafka.py /opt/kafka/kafka.py
USER 1000
ENTRYPOINT ["python3", "/opt/kafka/kafka.py"]
