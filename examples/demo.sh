#!/bin/sh
# A short tour of rulec: sh examples/demo.sh RULEC, for example sh examples/demo.sh .venv/bin/rulec
#
# Shows each command, its output and its exit code, and ends with 0 only if all were as they should be.
# Needs no root: nothing is loaded, and nothing is written but into a folder that is removed at the end.
set -u

rulec=${1:-rulec}
case $rulec in
*/*) rulec=$(cd "$(dirname "$rulec")" && pwd)/$(basename "$rulec") ;;
esac
cd "$(dirname "$0")/.." || exit 2
"$rulec" --version || { echo "demo: $rulec cannot be run" >&2; exit 2; }

folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
steps=0 surprises=0

title() {
    printf '\n── %s\n' "$*"
}

# step CODE ARGUMENTS...: run rulec, which should end with CODE.
step() {
    expected=$1
    shift
    printf '\n$ rulec %s\n' "$*"
    code=0
    "$rulec" "$@" 2>&1 || code=$?
    steps=$((steps + 1))
    if [ "$code" -eq "$expected" ]; then
        printf '(exit code %s, as it should be)\n' "$code"
    else
        printf '(exit code %s, and it should be %s)\n' "$code" "$expected"
        surprises=$((surprises + 1))
    fi
}

title "What is wrong with a ruleset: every error at its word, in one go"
step 1 lint examples/broken.rules
step 0 explain load-error

title "Why connection tracking is on: each rule that asks for it"
step 0 lint examples/web-server.rules
step 0 lint --output-format concise examples/web-server6.rules examples/rhel5-iptables
step 0 lint --output-format concise examples/dns-server.rules examples/memcached.rules
step 0 lint --select tracking-nat examples/router-nat.rules
step 0 lint --output-format concise examples/docker-host.rules
step 0 explain tracking-match

title "For whoever has a full table: which connections are tracked, and what it takes to have fewer"
step 0 lint --tracking-report examples/web-server.rules
step 0 lint --tracking-report examples/router-nat.rules
step 0 lint --tracking-report --kernel el5 examples/rhel5-iptables

title "What becomes of one packet, rule by rule"
step 0 trace examples/web-server.rules --why --packet "tcp 198.51.100.7:40000 > 192.0.2.10:8080 syn in eth0 state NEW"
step 0 trace examples/docker-host.rules --packet "tcp 198.51.100.7:40000 > 192.0.2.10:80 syn in eth0 state NEW to local"

title "What a change lets through, and what it shuts out"
step 1 diff examples/web-server.rules examples/web-server-next.rules
step 0 diff examples/web-server.rules examples/web-server.rules
step 0 explain unreachable-rule

title "The form of iptables-save, with the comments kept"
step 1 fmt --check examples/web-server.rules examples/router-nat.rules examples/rhel5-iptables
step 1 fmt --diff examples/rhel5-iptables

title "Hot ports without connection tracking: what would change, why, and the proof that it is right"
step 0 compile examples/web-server.rules --policy policies/web.yaml --diff --explain
step 0 compile examples/web-server.rules examples/web-server6.rules --policy policies/web.yaml --output-dir "$folder"
step 0 verify examples/web-server.rules "$folder/web-server.rules" --policy policies/web.yaml
step 0 compile examples/dns-server.rules --policy policies/dns-server.yaml --output "$folder/dns-server.rules"
step 0 compile examples/memcached.rules --policy policies/memcached.yaml --output "$folder/memcached.rules"

title "What was compiled is valid, and stays as it is when it is compiled again"
step 0 lint --fail-on note --select syntax,load "$folder"/*.rules
step 1 compile examples/dns-server.rules --policy policies/dns-server.yaml --check
step 0 compile "$folder/dns-server.rules" --policy policies/dns-server.yaml --check

title "The roll-out as a shell script, with the way back"
step 0 compile examples/web-server.rules --policy policies/web.yaml --output "$folder/web-server.rules" --plan

title "What a rule too many lets in, the proof finds"
step 1 verify examples/web-server.rules examples/web-server-next.rules --policy policies/web.yaml

title "What a change changes for packets, with a witness and the rules that decide"
step 1 diff examples/web-server.rules examples/web-server-next.rules

title "Refused, with the rule or the entry that stands in the way"
step 1 compile examples/router-nat.rules --policy policies/web.yaml
step 1 compile examples/docker-host.rules --policy policies/web.yaml
step 1 compile examples/ftp-server.rules --policy policies/well-known-recipe.yaml
step 1 compile examples/ftp-server.rules --policy policies/well-known-recipe.yaml --keep-going --diff

if [ "$surprises" -ne 0 ]; then
    printf '\n%s of %s steps did not end as they should.\n' "$surprises" "$steps"
    exit 1
fi
printf '\nAll %s steps ended as they should.\n' "$steps"
