#!/bin/sh
# Starts a local AWS emulator on a free port, runs a command against it, and ends it by its process id.
# usage: tools/emulator.sh moto|ministack WORKDIR COMMAND [ARG...]
# The command finds AWS_ENDPOINT_URL and throw-away credentials in its environment.
set -eu
kind=$1 work=$2
shift 2
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$work"
port=$("$root/.venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
case $kind in
moto)
    PYTHONPATH="$root/tests" "$root/.venv/bin/python" -m emulator --port "$port" --ledger "$work/ledger" \
        ${EMULATOR_FLAGS:-} >"$work/emulator.log" 2>&1 &
    ;;
ministack)
    PYTHONPATH="$root/tests" GATEWAY_PORT=$port MINISTACK_ACCOUNT_ID=123456789012 PERSIST_STATE=0 \
        "$root/.venv/bin/python" -m emulator.ministack >"$work/emulator.log" 2>&1 &
    ;;
*)
    echo "unknown emulator \"$kind\": moto or ministack" >&2
    exit 64
    ;;
esac
pid=$!
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

up=0
for _ in $(seq 150); do
    if ! kill -0 "$pid" 2>/dev/null; then
        break
    fi
    if "$root/.venv/bin/python" -c "import socket; socket.create_connection(('127.0.0.1', $port), 1).close()" 2>/dev/null; then
        up=1
        break
    fi
    sleep 0.1
done
if [ "$up" = 0 ]; then
    echo "the emulator did not start; its log:" >&2
    cat "$work/emulator.log" >&2
    exit 1
fi
AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing AWS_REGION=us-east-1 \
    AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null "$@"
