# Stands in for apicurio/apicurio-registry-mem: the same application.
FROM kedge-stack/upstream-base:1
COPY registry /deployments
USER 1001
ENTRYPOINT ["java", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-jar", "/deployments/runner.jar"]
