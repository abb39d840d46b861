# Stands in for the slim Python image that deploy/Dockerfile is built from: the same Debian, its own Python 3.11.
FROM kedge-stack/python-base:1
# The certificates that this machine trusts: without them pip reaches no index from within a build.
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
RUN rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && ln -s /usr/bin/python3 /usr/local/bin/python
