#!/bin/sh
# Bench, gate, exit: for any CI system with a shell. Exit codes: 0 the map may pass, 1 the gate says no,
# 2 something written is wrong, 3 the bench is incomplete, 4 the budget is spent.
#
#   LLMROUTE_OUT         folder of all that is left behind                     llmroute-out
#   LLMROUTE_PREVIOUS    the map in use now; none yet: the gate passes         routing-map.yaml
#   LLMROUTE_OFFLINE     "true": answers from the store and recordings only
#   LLMROUTE_MAX_USD     cap on what the bench may spend
#   LLMROUTE_ARGS        further arguments of `llmroute bench`
#   LLMROUTE_CHECK_ARGS  further arguments of `llmroute check`
#
# Keep the folder .llmroute between runs: it holds the answers that were paid for.
set -eu

out=${LLMROUTE_OUT:-llmroute-out}
previous=${LLMROUTE_PREVIOUS:-routing-map.yaml}

set -- --yes --quiet --out "$out" -o "$out/bench.md" -o "$out/bench.env"
if [ "${LLMROUTE_OFFLINE:-}" = true ]; then set -- "$@" --offline; fi
if [ -n "${LLMROUTE_MAX_USD:-}" ]; then set -- "$@" --max-usd "$LLMROUTE_MAX_USD"; fi
bench=0
# shellcheck disable=SC2086 # several arguments in one variable
llmroute bench "$@" ${LLMROUTE_ARGS:-} || bench=$?
case $bench in
  0 | 3 | 4) ;; # there is a map
  *) exit "$bench" ;;
esac

check=0
# shellcheck disable=SC2086
llmroute check "$out/routing-map.yaml" --previous "$previous" --allow-missing \
  -o "$out/check.md" -o "$out/check.junit.xml" -o "$out/check.json" -o "$out/check.env" \
  ${LLMROUTE_CHECK_ARGS:-} || check=$?

if [ "$bench" -ne 0 ]; then exit "$bench"; fi
exit "$check"
