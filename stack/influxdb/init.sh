#!/bin/bash
# Run once by InfluxDB's container, when it has set itself up with the bucket of letters: makes the
# bucket of looks, the task that sums up hours, and two tokens, each where only its user has it.
set -euo pipefail

org=$DOCKER_INFLUXDB_INIT_ORG
tokens=/run/tokens

influx bucket create --org "$org" --name uptimed_looks --retention 400d

bucket() { influx bucket list --org "$org" --name "$1" --hide-headers | cut -f 1; }
looks=$(bucket uptimed_looks)
letters=$(bucket uptimed_letters)

token() { # file, description, what it may
    local file=$1 description=$2
    shift 2
    rm -f "$file" # of an earlier time
    influx auth create --org "$org" --description "$description" --json "$@" |
        sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' >"$file"
    [ -s "$file" ]
    chmod 444 "$file"
}
token "$tokens/uptimed/token" "uptimed writes, and reads it back" \
    --read-bucket "$looks" --write-bucket "$looks" --read-bucket "$letters" --write-bucket "$letters"
token "$tokens/grafana/token" "Grafana reads" --read-bucket "$looks" --read-bucket "$letters"

influx task create --org "$org" --file /usr/local/share/uptimed/hours.flux
