#!/bin/sh
# What the container runs: any command; `nameserver` and `broker`, or NODE_ROLE, as in the official image; without
# arguments, both servers in one process.
case $1:$NODE_ROLE in
    nameserver:* | *:nameserver)
        shift
        exec mqnamesrv "$@"
        ;;
    broker:* | *:broker)
        shift
        exec mqbroker "$@"
        ;;
    rocketpy:*)
        # who comes by a published port is most likely on this machine
        export ROCKETPY_ADVERTISED_ADDR="${ROCKETPY_ADVERTISED_ADDR-127.0.0.1}"
        ;;
esac
if ! command -v "$1" >/dev/null; then
    echo "$1: no such command; try: sh mqnamesrv, sh mqbroker -n HOST:9876, sh mqadmin, rocketpy" >&2
    exit 127
fi
exec "$@"
