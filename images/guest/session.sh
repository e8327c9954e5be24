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
waking=''
work=/run/subject

# become_subject
# shellcheck source=images/guest/become.sh
. /become

say() { printf '%s %s %s\n' "$token" "$seq" "$*" >&3; }

# Files as a block of `<path>:<line>` lines; a file that cannot be read is simply not there.
send_texts() {
  say begin text
  /bin/texts "$@" >&3
  say end
}

# A file of arbitrary bytes as a block of base64 lines.
send_data() {
  [ -s "$2" ] || return
  say begin data "$1"
  busybox base64 -w 3000 "$2" >&3
  say end
}

# Hundredths of a second since the boot: sets `now`.
now_cs() {
  read -r uptime _ </proc/uptime
  now=$((${uptime%.*} * 100 + 1${uptime#*.} - 100))
}

# Starts what sets clock and random pool, and waits until it is about to read, which it says by a line.
start_waking() {
  (exec /bin/wake <&5 >&4 3>&- 4>&- 5>&-) &
  waking=$!
  read -r _ <&4
}

# hello <token> <time and seed in octal escapes>: a new conversation, after a boot or in a clone. A clone has its
# template's clock and random pool: both are set anew before anything else runs.
do_hello() {
  token=$1
  [ -n "$waking" ] || start_waking
  # shellcheck disable=SC2059 # the escapes are the point
  printf "$2" >&5
  wait "$waking" || { say error 'setting the clock and reseeding the random pool failed'; return; }
  waking=''
  say ok "protocol=1 disks=$disks release=$release"
}

# await-clone: the state of this machine is about to be saved. The program waits in it, so that a clone need not start it.
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

# texts <path> ...: sends files, for facts that no subject needs.
do_texts() {
  send_texts "$@"
  say ok
}

# Whether the subject is up, where it is one that serves: a line of its output, or a port on which it listens.
is_up() {
  case $serve in
    line) busybox grep -qE -- "$up" "$work/out.head" "$work/err.head" 2>/dev/null ;;
    # State 0A is LISTEN; the file has ports in hexadecimal.
    port) busybox grep -qE "^ *[0-9]+: [0-9A-F]+:$up [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null ;;
    *) return 1 ;;
  esac
}

# Keeps the first <cap> bytes of a stream and counts the rest, so that a subject that never stops
# writing fills neither the guest's memory nor the port. Says so on the event pipe when the stream ends.
capture() {
  exec 3>&- <"$work/$1"
  # A line that is waited for must be in the file as soon as it is written.
  if [ "$serve" = line ]; then
    busybox dd of="$work/$1.head" bs=1 count="$2" 2>/dev/null
  else
    busybox dd of="$work/$1.head" bs=4096 count=$(($2 / 4096)) iflag=fullblock 2>/dev/null
  fi
  kept=0 rest=0
  [ -s "$work/$1.head" ] && kept=$(busybox stat -c %s "$work/$1.head")
  [ "$kept" -lt "$2" ] || rest=$(busybox wc -c)
  echo "closed $1 $((kept + rest))" >&4
}

# Kills every process with a group of its own. The session and what keeps the streams never made one: they
# are in group 0, as the kernel's own threads are.
kill_escaped() {
  for stat in /proc/[0-9]*/stat; do
    read -r line 2>/dev/null <"$stat" || continue
    # The name may hold blanks and parentheses; after the last one: state, parent, group.
    # shellcheck disable=SC2086 # word splitting takes the fields apart
    set -- ${line##*) }
    [ "$3" = 0 ] && continue
    pid=${stat#/proc/}
    kill -KILL "${pid%/stat}" 2>/dev/null
  done
}

# One of the two streams ended; its whole size came with the event.
stream_closed() {
  streams=$((streams + 1))
  case $value in
    out) out_bytes=$size ;;
    err) err_bytes=$size ;;
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

# The group the subject is to be in, with its limit in bytes.
make_group() {
  busybox mkdir -p /sys/fs/cgroup/subject &&
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control &&
    echo "$1" >/sys/fs/cgroup/subject/memory.max
}

# serve <line or port> <pattern or hexadecimal port> <words of run>: as `run`, and ends the subject when it is up.
# The time is that until then.
do_serve() {
  serve=$1 up=$2
  shift 2
  do_run "$@"
  serve=''
}

# How many processes the kernel has killed for want of memory: sets `oom_kills`.
count_oom_kills() {
  while read -r name oom_kills; do
    [ "$name" = oom_kill ] && return
  done </proc/vmstat
  oom_kills=0
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
# Limits are ulimit letters: `v=2097152 d=unlimited`, `cgroup=<bytes>`, `confine=<prctl or seccomp>`. Facts are read while the very child that is to
# become the subject waits with its limits set; its own /proc/<pid>/ files are sent as /proc/self/.
do_run() {
  backstop=$1 cap=$2 limits=$3 facts=$4
  shift 4
  case " $limits" in
    *' cgroup='*)
      group=${limits#*cgroup=}
      make_group "${group%% *}" || { say error 'the cgroup of the subject cannot be made'; return; }
      ;;
  esac
  : >"$work/out.head"
  : >"$work/err.head"
  out_bytes=0 err_bytes=0 stopped=''
  count_oom_kills
  oom_before=$oom_kills
  (capture out "$cap") &
  (capture err "$cap") &
  (
    exec 3>&- 2>/dev/null
    (become_subject "$@") &
    wait $!
    echo "exit $?" >&4
  ) &
  timeout=0 ready=0 status='' child='' streams=0
  now_cs
  started=$now
  # The child is ready within moments; should even that fail, the backstop still holds.
  while :; do
    # Once a second a look at the port, and at a subject that is to come up.
    if ! read -r -t 1 event value size <&4; then
      event=''
      if [ -n "$child" ] && is_up; then
        ready=1
        break
      fi
    fi
    if is_stopped; then
      stopped=request
      break
    fi
    case $event in
      ready)
        child=$value
        # shellcheck disable=SC2086 # word splitting makes one argument of each path
        send_texts $facts "/proc/$child/limits" "/proc/$child/status" "/proc/$child/stat" "/proc/$child/cgroup"
        [ -z "$size" ] || say text "poolproof/write-execute:$size"
        now_cs
        started=$now
        echo go >"$work/go"
        ;;
      exit)
        status=$value
        break
        ;;
      closed) stream_closed ;;
    esac
    now_cs
    if [ $((now - started)) -ge $((backstop * 100)) ]; then
      stopped=backstop
      break
    fi
  done
  now_cs
  ended=$now
  if [ -z "$status" ]; then
    [ -z "$stopped" ] || timeout=1
    [ -n "$child" ] && kill -KILL "-$child" "$child" 2>/dev/null
    while read -r -t 5 event value size <&4; do
      case $event in
        exit) status=$value && break ;;
        closed) stream_closed ;;
      esac
    done
  fi
  # What the subject left behind may hold the streams open: first its group goes, then whatever escaped the
  # group, and only when the streams were drained everything else.
  [ -n "$child" ] && kill -KILL "-$child" 2>/dev/null
  while [ "$streams" -lt 2 ] && read -r -t 1 event value size <&4; do
    [ "$event" = closed ] && stream_closed
  done
  [ "$streams" -lt 2 ] && kill_escaped
  while [ "$streams" -lt 2 ] && read -r -t 2 event value size <&4; do
    [ "$event" = closed ] && stream_closed
  done
  kill -KILL -1 2>/dev/null
  wait
  # An event that nobody waits for any more must not be taken for one of the next run.
  while read -r -t 0 _ <&4; do read -r _ <&4; done
  count_oom_kills
  send_data out "$work/out.head"
  send_data err "$work/err.head"
  say ok "exit=${status:-lost} timeout=$timeout stopped=$stopped lost=0 oom=$((oom_kills - oom_before)) ready=$ready out=$out_bytes err=$err_bytes ms=$(((ended - started) * 10))"
}

# shell: an interactive shell on the serial console, for `poolproof shell`.
do_shell() {
  limits=$1
  shift
  say ok
  (
    exec 3>&- 4>&- 5>&-
    enter_limits
    # shellcheck disable=SC2086 # a program and its argument, or nothing
    busybox setsid busybox cttyhack $confine env -i "$@" /bin/busybox sh -i </dev/ttyS0 >/dev/ttyS0 2>&1
  )
  say closed
}

# The pipes of every run, made once: what a clone need not do saves it time.
busybox mkdir "$work"
busybox mkfifo "$work/go" "$work/out" "$work/err" "$work/event" "$work/wake"
exec 4<>"$work/event" 5<>"$work/wake"

# The port appears a moment after its driver.
port=''
while [ -z "$port" ]; do
  for entry in /sys/class/virtio-ports/*; do
    [ -e "$entry/name" ] && read -r name <"$entry/name" && [ "$name" = poolproof.session ] && port=/dev/${entry##*/}
  done
  [ -n "$port" ] || busybox usleep 10000
done
exec 3<>"$port"

# What never changes is found out once, before a template is saved.
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
        texts) do_texts "$@" ;;
        await-clone) do_await_clone ;;
        swapon) do_swapon "$@" ;;
        run) do_run "$@" ;;
        serve) do_serve "$@" ;;
        shell) do_shell "$@" ;;
        *) say error "unknown request $verb" ;;
      esac
    fi
  done
  busybox usleep 100000
done
