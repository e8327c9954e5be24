#!/bin/busybox sh
# shellcheck shell=dash disable=SC3045 # busybox: ulimit
# The process that becomes the subject. The session runs these functions in a process forked for it; where the
# subject is confined, the process becomes this script again behind /bin/confine.

# Takes the limits: the group first, as what comes after counts in it. Sets `confine` to the words that go
# before the program.
# shellcheck disable=SC2154 # limits: the session's
enter_limits() {
  confine=''
  for limit in $limits; do
    case $limit in
      cgroup=*) echo 0 >/sys/fs/cgroup/subject/cgroup.procs ;;
      confine=*) confine="/bin/confine ${limit#*=}" ;;
      *) ulimit "-${limit%=*}" "${limit#*=}" ;;
    esac || exit 125
  done
}

# become_subject [NAME=value ...] <program> [argument ...]: takes its limits, waits until they were read back,
# starts with the given environment and no other.
become_subject() {
  enter_limits
  # shellcheck disable=SC2086 # a program and its argument
  [ -z "$confine" ] || exec $confine /bin/busybox sh /become "$work" "$@"
  start_subject "$@"
}

# Tells the session that the limits stand, with what memory both writable and executable met if that is
# asked for, and waits for its word.
start_subject() {
  echo 0 >/proc/self/oom_score_adj
  read -r pid _ </proc/self/stat
  echo "ready $pid $met" >&4
  read -r _ <"$work/go"
  exec 3>&- 4>&- 5>&- </dev/null >"$work/out" 2>"$work/err"
  # What the kernel gave to init, and nothing else, is exported here.
  unset PATH HOME TERM
  while [ "${1%%=*}" != "$1" ]; do
    export "${1?}"
    shift
  done
  exec /bin/setsid "$@"
}

met=''
if [ "$0" = /become ]; then
  work=$1
  shift
  /bin/confine read
  met=$?
  start_subject "$@"
fi
