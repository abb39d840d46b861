#!/bin/sh
# Everything that has to be there before the first prediction: keys, topics, the monitor, the baseline, the router's
# link. Each line does nothing where its work is done already, so that it can run at every start.
set -eu

# Two keys: the guard's signs commands, a person's signs monitors and overrides. Both count.
for who in guard operator; do
    if ! [ -e "/etc/kedge/$who/signing.key" ]; then
        kedge keys generate "/etc/kedge/$who"
        mv "/etc/kedge/$who"/*.pem /etc/kedge/trusted/
    fi
done
[ -e /etc/kedge/guard/hash.key ] || (umask 077 && head -c 32 /dev/urandom | base64 > /etc/kedge/guard/hash.key)
[ -e /etc/kedge/guard/console.token ] || (umask 077 && head -c 32 /dev/urandom | base64 > /etc/kedge/guard/console.token)

kedge topics create --replication 1
kedge schemas publish
kedge monitor publish /example/delay.yaml

baseline=/srv/kedge/delay.baseline
if ! [ -e "$baseline" ]; then
    python /example/flights.py 20000 > /tmp/trained-on.csv
    kedge baseline fit /tmp/trained-on.csv --monitor /example/delay.yaml --score score --label label -o "$baseline"
fi
kedge baseline publish "$baseline"

mkdir -p /srv/kedge/versions/v1 /srv/kedge/versions/v2
[ -L /srv/kedge/current ] || ln -s versions/v1 /srv/kedge/current
