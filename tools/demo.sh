#!/bin/sh
# The main job, as a person would type it: tools/demo.sh moto|ministack
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
kind=${1:-moto}
work=$root/.panka-demo
if [ "${PANKA_DEMO_INNER:-}" = "" ]; then
    rm -rf "$work"
    mkdir -p "$work/bin"
    ln -s "$PANKA" "$work/bin/panka"
    echo "Starting the $kind emulator of AWS on this machine"
    PANKA_DEMO_INNER=1 exec "$root/tools/emulator.sh" "$kind" "$work/emulator" "$0" "$kind"
fi

PATH=$work/bin:$PATH
PANKA_HOME=$work/home
export PATH PANKA_HOME
cd "$work"
cp -r "$root/examples/notification-platform" .
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold="" plain=""; fi

run() {
    printf '\n%s$ %s%s\n' "$bold" "$1" "$plain"
    sh -c "$1"
}
say() {
    printf '\n# %s\n' "$1"
}

say "A platform admin sets up the backend, the platform and a tenant with its network."
run "panka backend create --bucket acme-panka-state --table panka-locks --region us-east-1"
run "panka init --bucket acme-panka-state --table panka-locks --region us-east-1"
run "panka admin init --output admin-password.txt"
run "panka admin login --password-stdin < admin-password.txt"
run "panka admin tenant init notifications-team --aws-account 123456789012 --region us-east-1 --vpc-cidr 10.0.0.0/16 --nat-gateway --output credentials.txt"
run "panka admin tenant list"

say "A team member logs in, stores the database password, and looks at the stack."
run "panka login --credentials credentials.txt"
run "panka whoami"
run "printf 'correct-horse-battery-staple' | panka secret set production/api/db-password"
run "panka validate notification-platform"
run "panka graph notification-platform"

say "Plan and deploy."
run "panka plan notification-platform"
run "panka apply notification-platform --auto-approve"
run "panka status notification-platform"
run "panka outputs notification-platform"

say "Nothing to do the second time; a changed variable is an update in place."
run "panka plan notification-platform --detailed-exitcode"
run "panka plan notification-platform --var LOG_LEVEL=debug"
run "panka apply notification-platform --var LOG_LEVEL=debug --auto-approve"

say "Data is protected in production: destroy says so, and goes on only when told."
printf '\n%s$ panka destroy notification-platform --confirm notification-platform --auto-approve%s\n' "$bold" "$plain"
if panka destroy notification-platform --confirm notification-platform --auto-approve; then
    echo "error: a protected stack was destroyed" >&2
    exit 1
fi
run "panka destroy notification-platform --disable-protection --confirm notification-platform --auto-approve"
run "panka status notification-platform"
say "Done."
