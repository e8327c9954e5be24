#!/bin/busybox sh
# shellcheck shell=dash disable=SC3045 # busybox: read -t
# The session: talks to the harness over a virtio port, applies settings, reads them back, runs the
# subject and reports how it ended. Runs as PID 1, so the out-of-memory killer cannot take it and
# its end is a kernel panic, which the harness sees. Only busybox: nothing here may cost commit.
# The protocol is described in protocol.ts.
export PATH=/bin
token=-
seq=0
serve=''
loads=''
waking=''
# shellcheck source=images/guest/limits.sh
. /limits
say() { printf '%s %s %s\n' "$token" "$seq" "$*" >&3; }

# Files as a block of `<path>:<line>` lines; a file that cannot be read is simply not there.
send_files() {
  say begin text
  /state/read-files "$@" >&3
  say end
}

# Arbitrary bytes as a block of base64 lines.
send_data() {
  say begin data "$1"
  base64 -w 3000 >&3
  say end
}

# The kept part of a stream: its first bytes in a file, its last in a ring.
# send_stream <stream> <bytes in all> <bytes of each file>
send_stream() {
  # shellcheck disable=SC2094 # nothing is written to the file
  [ "$2" = 0 ] || send_data "$1" <"$1"
  if [ "$2" -gt $((2 * $3)) ]; then
    oldest=$((($2 - $3) % $3))
    { tail -c "+$((oldest + 1))" "$1-tail" && head -c "$oldest" "$1-tail"; } | send_data "$1-tail"
  elif [ "$2" -gt "$3" ]; then
    send_data "$1" <"$1-tail"
  fi
}

# Hundredths of a second since the boot: sets `now`.
now_cs() {
  read -r uptime _ </proc/uptime
  now=$((${uptime%.*} * 100 + 1${uptime#*.} - 100))
}

# Starts what sets clock and random pool, and waits until it is about to read, which it says by a line.
start_waking() {
  (exec /bin/wake <&8 >&4 3>&- 4>&- 5>&- 8>&-) &
  waking=$!
  read -r _ <&4
}

# hello <token> <time and seed in octal escapes>: a new conversation, after a boot or in a clone. A clone has its
# template's clock and random pool: both are set anew before anything else runs.
do_hello() {
  token=$1
  [ -n "$waking" ] || start_waking
  # shellcheck disable=SC2059 # the escapes are the point
  printf "$2" >&8
  wait "$waking" || { say error 'setting the clock and reseeding the random pool failed'; return; }
  waking=''
  say ok "protocol=1 disks=$disks release=$release"
}

# await-clone: this machine is about to be saved, with the program waiting, so that a clone need not start it.
do_await_clone() {
  start_waking
  say ok
}

# apply <path> <value> ...: writes kernel settings in order.
do_apply() {
  while [ "$#" -ge 2 ]; do
    printf '%s\n' "$2" 2>/dev/null >"$1" || { say error "cannot write $2 to $1"; return; }
    shift 2
  done
  say ok
}

# read <path> ...: sends files, for facts that no subject needs.
do_read() {
  send_files "$@"
  say ok
}

# Whether something listens on the port that is waited for. State 0A is LISTEN; the file has ports in hexadecimal.
is_listening() {
  grep -qE "^ *[0-9]+: [0-9A-F]+:$up [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Says when a line of its input fits, which is a stream itself and no file of what was kept: no line comes too late.
watch_stream() {
  exec 3>&- 5>&- 6>&- 7>&- 8>&- 9<&-
  grep -qE -- "$up"
  case $? in
    0) echo .up >&4 ;;
    1) ;;
    # Without it nothing can be said about the line.
    *) echo .lost >&4 ;;
  esac
}

# swapon <disk>: makes the disk of that serial number swap space, and uses it.
do_swapon() {
  for entry in /sys/block/vd*; do
    # The file ends without a line break, which read takes for a failure.
    read -r name <"$entry/serial"
    [ "$name" = "$1" ] || continue
    block=/dev/${entry##*/}
    busybox mkswap "$block" >/dev/null && busybox swapon "$block" && say ok && return
  done
  say error "no swap on disk $1"
}

# serve <line, port or http> <pattern, hexadecimal port or request> <words of run>: as `run`, and ends the subject when it
# is up. The time is that until then. A request is `<port> <status> <answers> <path>`: so many answers of another status
# end the subject as well.
do_serve() {
  serve=$1 up=$2
  shift 2
  do_run "$@"
  serve=''
}

# load <loads> <words of serve for a request>: as `serve`, and when it is up it gets the requests of each load, `3,9:/page`:
# so many for that page, one after another. What its largest process spent on them is in the reply; then it is ended.
do_load() {
  loads=$1
  shift
  do_serve "$@"
  loads=''
}

# write_request <page> [line ...]
write_request() {
  page=$1
  shift
  printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nUser-Agent: poolproof\r\nAccept: */*\r\n' "$page" "$asked"
  printf '%s\r\n' "$@" ''
}

# Asks for the page of `up` until it is answered as it should be.
start_asking() {
  set -f
  # shellcheck disable=SC2086 # its words
  set -- $up
  set +f
  asked=$1 wanted=$2 most=$3
  write_request "$4" 'Connection: close' >request
  (exec ./ask "$1" "$2" 3>&- 5>&- 8>&-) </dev/null &
  asker=$!
}

# Sends the requests of `loads`. A subject can be several processes: the largest one serves.
start_loading() {
  most='' server=$child
  ./look "$child" >seen
  while IFS=/ read -r _ _ name number file; do
    case $name:$file in proc:status:*) server=$number ;; esac
  done <seen
  (
    exec 3>&- 5>&- 8>&-
    set -f
    for load in $loads; do
      page=${load#*:}
      write_request "$page" >request
      echo ".page $page" >&4
      IFS=,
      # shellcheck disable=SC2086 # numbers
      ./load "$asked" "$server" "$wanted" ${load%%:*} || break
      unset IFS
    done
    echo .loaded >&4
  ) </dev/null &
  asker=$!
}

# Whether the harness wants this run to end. Nothing else can come while one is on; what does is no word for it.
is_stopped() {
  while read -r -t 0 <&3; do
    read -r word number verb _ <&3 || return 1
    [ "$word $number $verb" = "$token $seq stop" ] && return
  done
  return 1
}

# run <backstop s> <cap bytes> <limits> <fact paths, one word> [NAME=value ...] <program> [argument ...]
# Limits are ulimit letters: `v=2097152 d=unlimited`, files of its cgroup: `memory.max=<bytes>`, `confine=<prctl or
# seccomp>`. Facts are read
# while the very child that becomes the subject waits with its limits set; its own /proc/<pid>/ files are sent as
# /proc/self/.
do_run() {
  backstop=$1 half=$(($2 / 2)) facts=$4
  read_limits "$3" || { say error "$problem"; return; }
  shift 4
  watched=-
  if [ "$serve" = line ]; then
    watched=w
    # Both ends are open before anything starts: neither waits for the other, and none is missing.
    # shellcheck disable=SC2094 # it is a pipe
    exec 9<>watch-out 6>watch-out 9<watch-out
    watch_stream <&9 &
    # shellcheck disable=SC2094
    exec 9<>watch-err 7>watch-err 9<watch-err
    watch_stream <&9 &
    exec 9<&-
  fi
  (exec 3>&- 8>&- && exec ./keep "$half" "$watched" "$group" "$confine" "$numbers" "$@") </dev/null &
  keeper=$!
  exec 6>&- 7>&-
  timeout=0 ready=0 stopped='' lost=0 child='' ended='' out=0 err=0 kills=0 unwatched=0 peak=0 minor=0 major=0 answered='' answers=0 open=0 asker=''
  now_cs
  started=$now
  wait_for_end
  now_cs
  ms=$(((now - started) * 10))
  # What the end of the subject does to a connection is no answer of its own.
  most=''
  [ -z "$asker" ] || { kill -KILL "$asker"; wait "$asker"; } 2>/dev/null
  if [ -z "$ended" ] && [ "$lost" = 0 ]; then
    # A process that does not come up may hold what its files are read with.
    if [ "$ready" = 0 ]; then timeout=1; else look_at_subject; fi
    kill -KILL "${child:-$keeper}" 2>/dev/null
    tries=0
    until [ -n "$ended" ] || [ "$lost" = 1 ] || [ "$tries" = 10 ]; do
      next_event
      tries=$((tries + 1))
    done
  fi
  # Who has not said that it ended has not counted either.
  [ -n "$ended" ] || lost=1
  [ "$lost" = 0 ] || kill -KILL "$keeper" 2>/dev/null
  wait "$keeper"
  status=$?
  [ "$lost" = 0 ] || status=lost
  # Whatever else there may be, and what of it has still something to say: no event may reach the next run.
  kill -KILL -1 2>/dev/null
  wait
  while read -r -t 0 <&4; do read -r _ <&4; done
  if [ "$lost" = 0 ]; then
    # shellcheck disable=SC2094 # nothing is written to the file
    [ "$answers" = 0 ] || send_data answer <answer
    send_stream out "$out" "$half"
    send_stream err "$err" "$half"
  fi
  say ok "exit=$status timeout=$timeout stopped=$stopped lost=$lost oom=$kills unwatched=$unwatched ready=$ready answered=$answered answers=$answers open=$open out=$out err=$err peak=$peak minor=$minor major=$major ms=$ms"
}

# What the kernel's files show of the subject's largest process, before it is ended. Only of one that answered or spoke.
look_at_subject() {
  say begin text
  ./look "$child" >&3
  say end
}

# Until the subject has ended, is up, or is to be ended.
wait_for_end() {
  while :; do
    next_event
    [ "$ended $ready $lost" = " 0 0" ] || return
    if is_stopped; then
      stopped=request
      return
    fi
    now_cs
    if [ $((now - started)) -ge $((backstop * 100)) ]; then
      stopped=backstop
      return
    fi
  done
}

# Takes one event; where none comes within a second, looks at what says nothing by itself.
next_event() {
  # The point before an event: a whole line could be taken in part when the second is over.
  if ! read -r -t 1 -n 1 _ <&4; then
    # A process that has ended has no program any more; one that was killed could not say so.
    for helper in "$keeper" $asker; do
      [ -e "/proc/$helper/exe" ] || read -r -t 0 <&4 || lost=1
    done
    [ "$serve" = port ] && [ -n "$child" ] && is_listening && ready=1
    return
  fi
  read -r event first second third fourth fifth sixth seventh <&4
  case $event in
    ready) subject_ready "$first" "$second" ;;
    up) ready=1 ;;
    answer) subject_answered "$first" "$second" "$third" ;;
    page) loaded=$first ;;
    load) say text "load$loaded:$first $second $third $fourth $fifth" ;;
    loaded) ready=1 ;;
    lost) lost=1 ;;
    end) ended=1 out=$first err=$second kills=$third unwatched=$fourth peak=$fifth minor=$sixth major=$seventh ;;
  esac
}

# subject_ready <pid> <errno>: the process that becomes the subject has its limits and waits.
subject_ready() {
  child=$1
  # shellcheck disable=SC2086 # word splitting makes one argument of each path
  send_files $facts "/proc/$child/limits" "/proc/$child/status" "/proc/$child/stat" "/proc/$child/cgroup"
  [ "$2" = 255 ] || say text "poolproof/write-execute:$2"
  [ "$serve" != http ] || start_asking
  now_cs
  started=$now
  printf g >&5
}

# subject_answered <status> <answers so far> <1 where the connection is open>
subject_answered() {
  [ -n "$most" ] || return
  answered=$1 answers=$2 open=$3
  if [ "$answered" = "$wanted" ]; then
    if [ -n "$loads" ]; then start_loading; else ready=1; fi
  elif [ "$answers" -ge "$most" ]; then
    ready=wrong
  fi
}

# No helper of the session is ended for want of memory before the subject is.
echo -1000 >/proc/self/oom_score_adj

# The session's own files, and the devices of a subject: what a clone need not do saves it time. A subject sees neither
# them nor the kernel's own /dev. Copies of the programs, because a subject may change those in /bin; busybox has none:
# its commands are run from the file that PID 1 itself was started from.
mount -t tmpfs -o size=2M,mode=0700 tmpfs /state
cd /state || exit
# Costs are not measured in guests of every architecture.
load=/bin/load
[ -e "$load" ] || load=''
# shellcheck disable=SC2086 # a file, or nothing
cp /bin/ask /bin/keep /bin/look /bin/read-files $load .
mkdir dev
mount -t tmpfs -o size=64k,mode=0755 tmpfs dev
for node in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9' 'tty 5 0'; do
  # shellcheck disable=SC2086 # a name and two numbers
  set -- $node
  mknod -m 666 "dev/$1" c "$2" "$3"
done
ln -s /proc/self/fd dev/fd
mkfifo go event wake watch-out watch-err
exec 4<>event 5<>go 8<>wake

# The port appears a moment after its driver.
port=''
while [ -z "$port" ]; do
  for entry in /sys/class/virtio-ports/*; do
    [ -e "$entry/name" ] && read -r name <"$entry/name" && [ "$name" = poolproof.session ] && port=/dev/${entry##*/}
  done
  [ -n "$port" ] || busybox usleep 10000
done
exec 3<>"$port"

# Constants are found out once, before a template is saved.
release=$(busybox uname -r)
disks=$(cd /disks && for disk in *; do printf '%s,' "$disk"; done)

# The other end closes when the harness lets go; PID 1 must not end, so an end of file only means: wait.
while :; do
  while read -r word number verb rest <&3; do
    if [ "$word" = poolproof/1 ]; then
      seq=$number
      eval "set -- $rest"
      [ "$verb" = hello ] && do_hello "$@"
    elif [ "$word" = "$token" ]; then
      seq=$number
      eval "set -- $rest"
      case $verb in
        apply) do_apply "$@" ;;
        read) do_read "$@" ;;
        await-clone) do_await_clone ;;
        swapon) do_swapon "$@" ;;
        run) do_run "$@" ;;
        serve) do_serve "$@" ;;
        load) do_load "$@" ;;
        shell) do_shell "$@" ;;
        # The run it was for has just ended.
        stop) ;;
        *) say error "unknown request $verb" ;;
      esac
    fi
  done
  busybox usleep 100000
done
