#!/bin/sh
# The wasm host: tries the allocator tiers, best first, each in a Node process of its own, and keeps
# the first that proves itself as the serving engine. A shell supervises because it costs next to
# nothing: under strict overcommit a Node 24 supervisor is charged 560 MiB and starves its worker.
# POSIX sh: dash, busybox ash, bash. Waits without polling.
#
# Exit: 0 proven (and, without --once, stopped); 2 usage, or a library of another version than
# requested; 3 no tier works; 70 a defect of the host itself, which says nothing about any tier;
# 128 + signal, or Node's own code, when Node dies before its first line of JavaScript.
usage() {
  cat <<'TEXT'
Usage: wasm-host.sh [--once] [--node PATH] [--engine wasmtime|wasmtime@VERSION|v8] [--library PATH]
                    [--profile spin|wasmtime] [--parameters NAME=N,...] [--deadline SECONDS]
                    [--digest] [--serve HOST:PORT --module FILE [--limits NAME=N,...]]

Proves the best allocator tier this machine allows and logs it: a line for people and a JSON line on
standard output, warnings on standard error. Then serves a module over HTTP, or with none holds what
it has proven, until SIGTERM or SIGINT.

  --once          prove, log, exit
  --node PATH     Node 18 or later (default: node)
  --engine NAME   wasmtime (default), wasmtime@VERSION or v8 (Node's own engine)
  --library PATH  libwasmtime.so (default: $POOLPROOF_LIBWASMTIME)
  --profile NAME  pool sizes of `standard`: those of spin (default) or of wasmtime
  --parameters P  changes to the requested tier (default: standard): memories, tables, tableElements,
                  stacks, maxMemory, reservation, guard; sizes in bytes
  --digest        log the sha256 of libwasmtime.so in addition to its version
  --deadline S    seconds an attempt may take (default 60)
  --serve ADDRESS address and port, as in 127.0.0.1:8080; port 0 takes a free one, which a line says
  --module FILE   a core module with `handle`, or a WASI preview 1 command as a CGI program
  --limits L      threads (default: one per processor, at most the tier's slots), queue (256 requests),
                  seconds (10, for an instance), client (30, to send a request), drain (10, to finish
                  when stopped), body (1048576 bytes), answer (8388608 bytes)

SPIN_ALLOCATOR=auto|standard|conservative|on-demand forces a tier; `pooling` means standard.
Spin's own variables (SPIN_WASMTIME_...) shape the standard tier as they shape Spin's.

Example: SPIN_ALLOCATOR=auto wasm-host.sh --once --engine v8
TEXT
}

fail() {
  printf 'wasm host: %s\n' "$2" >&2
  exit "$1"
}

once=0 digest=0 node=node engine=wasmtime library=${POOLPROOF_LIBWASMTIME:-} profile=spin parameters='' deadline=60
serve='' module='' limits=''
while [ "$#" -gt 0 ]; do
  case $1 in
    --once) once=1 ;;
    --digest) digest=1 ;;
    --help | -h) usage && exit 0 ;;
    --node | --engine | --library | --profile | --parameters | --deadline | --serve | --module | --limits)
      [ "$#" -ge 2 ] || fail 2 "$1 needs a value"
      name=${1#--}
      # Safe: the name is one of those above, the value is not expanded by eval.
      eval "$name=\$2"
      shift
      ;;
    *) fail 2 "unknown argument $1 (--help lists the known ones)" ;;
  esac
  shift
done
case $engine in
  wasmtime | wasmtime@* | v8) ;;
  *) fail 2 "--engine $engine: must be wasmtime, wasmtime@VERSION or v8" ;;
esac
case $profile in
  spin | wasmtime) ;;
  *) fail 2 "--profile $profile: must be spin or wasmtime" ;;
esac
case $deadline in
  '' | *[!0-9]* | 0*) fail 2 "--deadline $deadline: must be a whole number of seconds" ;;
esac

case ${serve:+serve}:${module:+module}:$once in
  serve::*) fail 2 '--serve needs a module: --module FILE' ;;
  :module:*) fail 2 '--module needs an address: --serve HOST:PORT' ;;
  serve:*:1) fail 2 '--once serves nothing: leave --once or --serve out' ;;
esac

# SPIN_ALLOCATOR first; without it, Spin's own switch.
choice=${SPIN_ALLOCATOR-auto}
case $choice:${SPIN_WASMTIME_POOLING-} in
  auto:1) choice=standard ;;
  auto:0) choice=on-demand ;;
esac
case ${SPIN_WASMTIME_POOLING-0} in
  0 | 1) ;;
  *) fail 2 "SPIN_WASMTIME_POOLING=$SPIN_WASMTIME_POOLING: must be 0 or 1" ;;
esac
case $choice in
  auto) order='standard conservative on-demand' ;;
  standard | pooling) order=standard ;;
  conservative | on-demand) order=$choice ;;
  *) fail 2 "SPIN_ALLOCATOR=$choice: must be one of auto, standard, conservative, on-demand, pooling" ;;
esac

command -v "$node" >/dev/null 2>&1 || fail 2 "--node $node: no such program"
case $0 in
  */*) here=${0%/*} ;;
  *) here=. ;;
esac
# A core of a process with terabytes of address space is of no use to anyone.
# shellcheck disable=SC3045 # -c is not in POSIX, but in dash, busybox ash and bash
ulimit -c 0

# Where address space is limited, glibc's arenas (64 MiB reserved per thread) take what the tiers need,
# more or less of it by chance: with them Node 20 fails at 1050 MiB and works at 850.
# shellcheck disable=SC3045 # as above
[ "$(ulimit -v)" = unlimited ] || export MALLOC_ARENA_MAX=1

# A panic's message is enough; its backtrace reads 30 MB of symbols and, short of memory, never ends.
export RUST_BACKTRACE=0

state=$(mktemp -d "${TMPDIR:-/tmp}/wasm-host.XXXXXX") || fail 2 "no folder to work in: set TMPDIR"
worker='' timer='' stops=0
# shellcheck disable=SC2317 # called by the trap
clean_up() {
  [ -z "$timer" ] || kill "$timer" 2>/dev/null
  rm -rf "$state"
}
# shellcheck disable=SC2317 # called by the trap
stop() {
  stops=$((stops + 1))
  [ -z "$worker" ] || kill -TERM "$worker" 2>/dev/null
}
trap clean_up EXIT
trap stop TERM INT HUP

# The last output of a process: V8 names the failed check first and its frames after it.
show_words() {
  head -n 12 "$1"
  tail -n +13 "$1" | tail -n 12
}

# Milliseconds since boot, in steps of 10, without starting a process.
read_clock() {
  read -r uptime _ </proc/uptime
  # A leading 1 keeps hundredths like 08 from being read as octal.
  clock=$((${uptime%.*} * 1000 + (1${uptime#*.} - 100) * 10))
}

# await: sets `status` to the worker's. A trapped signal ends `wait` early, so wait again until the
# worker is really gone; 127 is a worker that was already waited for.
await() {
  status=''
  while :; do
    seen=$stops
    wait "$worker"
    code=$?
    [ "$code" -eq 127 ] && [ -n "$status" ] || status=$code
    [ "$seen" -eq "$stops" ] && break
  done
}

# run_worker <attempt> <tier or none> [node flag]: runs one worker to its end. Its standard error is
# kept for the next worker to judge; its messages to the operator go to 3.
run_worker() {
  read_clock
  started_at=$clock
  "$node" ${3:+"$3"} "$here/start-worker.cjs" --attempt "$1" --tier "$2" --engine "$engine" --library "$library" \
    --profile "$profile" --parameters "$parameters" --state "$state" --once "$once" --digest "$digest" \
    ${serve:+--serve "$serve" --module "$module" --limits "$limits"} \
    3>&2 2>"$state/$1.stderr" &
  worker=$!
  [ "$stops" -eq 0 ] || kill -TERM "$worker" 2>/dev/null
  # Kills a worker that has not proven its tier in time. Ends on its own; `sleep` dies with it.
  (
    trap 'kill "$nap" 2>/dev/null; exit' TERM
    trap '' INT HUP
    sleep "$deadline" &
    nap=$!
    wait "$nap"
    [ -e "$state/$1.proven" ] && exit
    : >"$state/$1.timeout"
    kill -KILL "$worker"
  ) >/dev/null 2>&1 &
  timer=$!
  await
  kill "$timer" 2>/dev/null
  worker='' timer=''
  read_clock
  timed_out=0
  if [ -e "$state/$1.timeout" ]; then
    timed_out=1
    printf 'wasm host: %s: nothing within %s s, killed\n' "$2" "$deadline" >&2
  fi
  echo "$2 $status $timed_out $((clock - started_at))" >"$state/$1.end"
}

attempt=0
for tier in $order; do
  attempt=$((attempt + 1))
  flag=''
  [ "$engine:$tier" = v8:on-demand ] && flag=--disable-wasm-trap-handler
  run_worker "$attempt" "$tier" "$flag"
  if [ -e "$state/$attempt.proven" ] || [ "$status" -eq 2 ] || [ "$status" -eq 70 ] ||
    [ "$stops" -gt 0 ]; then
    cat "$state/$attempt.stderr" >&2
    exit "$status"
  fi
  # An engine that differs from its configuration is not believed at any other tier either.
  [ "$status" -ne 11 ] || break
  if [ "$attempt" -eq 1 ] && [ ! -e "$state/1.started" ]; then
    # No JavaScript ran, so no tier is to blame, unless Node only refused our flag.
    case $(cat "$state/1.stderr") in
      *'bad option'*) ;;
      *MODULE_NOT_FOUND* | *'SyntaxError: '* | *'ReferenceError: '* | *'TypeError: '*)
        tail -n 20 "$state/1.stderr" >&2
        fail 70 'a defect of the wasm host itself: no tier was tried'
        ;;
      *)
        show_words "$state/1.stderr" >&2
        how="status $status"
        # Seen with Node 24.18 just below the address space it needs: it neither starts nor ends.
        [ "$timed_out" -eq 0 ] || how="nothing within $deadline s, killed"
        fail "$status" "Node did not start ($how): no tier was tried"
        ;;
    esac
  fi
done

attempt=$((attempt + 1))
run_worker "$attempt" none
cat "$state/$attempt.stderr" >&2
[ "$status" -ne 70 ] || exit 70
[ "$status" -eq 3 ] || printf 'wasm host: no allocator tier works, and Node could not say why (status %s)\n' "$status"
exit 3
