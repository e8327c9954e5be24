#!/bin/busybox sh
# shellcheck shell=dash disable=SC2034,SC3045 # variables of the session; busybox: ulimit -s, -v
# The limits of a subject, read by the session: for /bin/keep, which sets them for a run, and for a shell, which takes
# them upon itself.

# make_group <file> <limit>: the group the subject is to be in, with one of its limits.
make_group() {
  group=/sys/fs/cgroup/subject/cgroup.procs
  mkdir -p /sys/fs/cgroup/subject &&
    echo "+${1%.*}" >/sys/fs/cgroup/cgroup.subtree_control &&
    echo "$2" >"/sys/fs/cgroup/subject/$1"
}

# The limits of a subject for /bin/keep: sets `group`, `confine` and `numbers` (`<resource>=<limit>`).
read_limits() {
  group=- confine=- numbers=''
  for limit in $1; do
    value=${limit#*=}
    case $limit in
      memory.*=* | pids.*=*)
        make_group "${limit%%=*}" "$value" || { problem='the cgroup of the subject cannot be made'; return 1; } ;;
      confine=*) confine=$value ;;
      c=*) add_number 4 512 ;;
      d=*) add_number 2 1024 ;;
      s=*) add_number 3 1024 ;;
      u=*) add_number 6 1 ;;
      v=*) add_number 9 1024 ;;
      *) problem="unknown limit $limit"; return 1 ;;
    esac
  done
}

# add_number <resource> <bytes of its unit>
add_number() {
  case $value in
    # RLIM_INFINITY
    unlimited) number=18446744073709551615 ;;
    *) number=$((value * $2)) ;;
  esac
  numbers="$numbers${numbers:+ }$1=$number"
}

# The limits of /bin/keep for a shell: the group first, as memory counts in it from then on. Sets `confine` and `env` to
# the words that go before the program and its environment.
enter_limits() {
  confine='' env=env
  for limit in $limits; do
    # It does not bind root: see programs/*/keep.s.
    case $limit in u=*)
      env='busybox su -p -s /bin/env user --'
      mkdir -p /etc
      echo 'user:x:1000:1000::/tmp:/bin/sh' >/etc/passwd
    ;; esac
    case $limit in
      memory.*=* | pids.*=*) echo 0 >/sys/fs/cgroup/subject/cgroup.procs ;;
      confine=*) confine="/bin/confine ${limit#*=}" ;;
      *) ulimit "-${limit%=*}" "${limit#*=}" ;;
    esac || exit 125
  done
  echo 0 >/proc/self/oom_score_adj
}

# shell: an interactive shell on the serial console, for `poolproof shell`.
do_shell() {
  limits=$1
  shift
  say ok
  # The last of its names is the serial line.
  read -r serial </sys/class/tty/console/active
  serial=/dev/${serial##* }
  (
    exec 3>&- 4>&- 5>&- 8>&-
    cd / || exit 125
    enter_limits
    # shellcheck disable=SC2086,SC2094 # programs and their arguments, or nothing; a device, which is read and written
    busybox setsid busybox cttyhack $confine $env -i "$@" /bin/busybox sh -i <"$serial" >"$serial" 2>&1
  )
  say closed
}
