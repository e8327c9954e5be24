#!/bin/sh
# Prints a field report: the facts that decide whether a WebAssembly host can reserve its memory here, and with
# `-- command` how that command fails. The kernel's files are shipped as they are, as far as a list of files and lines
# names them; images/allocator/kernel-files.ts reads them. POSIX sh (dash, busybox ash, bash), no root, nothing
# installed. Builtins wherever possible: on the machines this is for a fork can fail, and so can every tool.
LC_ALL=C
export LC_ALL

usage() {
  cat <<'TEXT'
Usage: sh capture.sh [--help]
       sh capture.sh -- COMMAND [ARGUMENT ...]

Prints a field report (YAML) on standard output: the facts of this machine and this process that decide
whether a WebAssembly runtime can start, and, after --, how COMMAND ends here. Takes less than a second
without a command; needs no root and changes nothing.

What it takes:
  kernel release, architecture, page size; distribution and version; C library
  memory, swap, huge pages, overcommit and its limits; the kernel's limits on mappings, processes, threads
  all resource limits; cgroup limits on memory and processes, from this process up the tree, and their use
  processor model, flags, address widths; signs of virtualization, a container, WSL or gVisor
  seccomp, no-new-privileges, capabilities, whether memory may be writable and executable
  versions of node, spin, wasmtime, wasmer, deno and bun, where they are in PATH
  of COMMAND: its words, exit status, its last 40 lines of output

What it does not take: names of this machine or of its users, addresses, serial numbers, environment
variables, paths other than those in COMMAND. The output of COMMAND is searched for all of these, and
what is found is replaced by words in angle brackets. Read the report before you send it.

What cannot be read is `unknown`.

Example: sh capture.sh -- spin up >report.yaml
TEXT
}

fail() {
  printf 'capture.sh: %s\n' "$1" >&2
  exit 2
}

case ${1:-} in
  '') [ "$#" -eq 0 ] || fail "an empty argument (--help lists the known ones)" ;;
  --help | -h) usage && exit 0 ;;
  --) [ "$#" -ge 2 ] || fail 'no command after --' ;;
  *) fail "unknown argument $1 (a command comes after --; --help says more)" ;;
esac

# Whether a program is in PATH. A root may have no /dev/null.
has() {
  if [ -c /dev/null ]; then command -v "$1" >/dev/null 2>&1; else [ -n "$(command -v "$1")" ]; fi
}

# Some roots have busybox under its own name only.
busybox=
for name in busybox /bin/busybox; do has "$name" && busybox=$name && break; done

# A program of the system, without its messages. busybox knows names it cannot start itself: only a path counts.
tool() {
  case $(command -v "$1") in /*) ;; *) [ -z "$busybox" ] || set -- "$busybox" "$@" ;; esac
  if [ -c /dev/null ]; then "$@" 2>/dev/null; else "$@" 2>&-; fi
}

# ---- files ------------------------------------------------------------------------------------------

# Sets $text to the first line of a file, or to nothing. Never fails and never forks.
first_line() {
  text=
  [ -r "$1" ] && { IFS= read -r text <"$1"; } 2>&-
  return 0
}

# Sets $clean to a text in which everything but printable ASCII is `?`.
odd='*[! -~[:blank:]]*'
clean() {
  clean=$1
  # shellcheck disable=SC2254 # a pattern
  case $1 in $odd) ;; *) return ;; esac
  rest=$1 clean=
  while [ -n "$rest" ]; do
    char=${rest%"${rest#?}"} rest=${rest#?}
    # shellcheck disable=SC2254 # a pattern
    case $char in $odd) clean=$clean\? ;; *) clean=$clean$char ;; esac
  done
}

# put_text KEY TEXT: a text of one line, as a block of the report.
put_text() {
  clean "$2"
  if [ -n "$clean" ]; then printf '  %s: |\n    %.4000s\n' "$1" "$clean"; else printf '  %s: unknown\n' "$1"; fi
}

# put_lines FILE MOST START ...: the lines of a file that begin with one of these words, at most so many of them.
put_lines() {
  file=$1 most=$2 taken=0
  shift 2
  if [ -r "$file" ]; then
    while read -r line || [ -n "$line" ]; do
      for start in "$@"; do
        case $line in "$start"*) ;; *) continue ;; esac
        [ -n "$line" ] || break
        [ "$taken" -gt 0 ] || printf '  %s: |\n' "$file"
        clean "$line"
        printf '    %.4000s\n' "$clean"
        taken=$((taken + 1))
        break
      done
      [ "$taken" -lt "$most" ] || break
    done <"$file" 2>&-
  fi
  [ "$taken" -gt 0 ] || printf '  %s: unknown\n' "$file"
}

# A number below /proc/sys. The kernel answers the first read(2) only, and dash and busybox ash read a byte at a time:
# of 65530 they would see 6. So another program reads it, except in bash.
put_sysctl() {
  if [ -n "${BASH_VERSION:-}" ]; then first_line "$1"; else text=$([ -r "$1" ] && tool cat "$1"); fi
  put_text "$1" "$text"
}

# The first processor speaks for all; the others are counted where nothing else tells how many there are. Boards
# have their name after all of them.
put_processors() {
  first_line /sys/devices/system/cpu/online
  online=$text block=1 model=no
  put_text /sys/devices/system/cpu/online "$online"
  [ -r /proc/cpuinfo ] || { echo '  /proc/cpuinfo: unknown' && return; }
  echo '  /proc/cpuinfo: |'
  while read -r line || [ -n "$line" ]; do
    case $block$line in
      1) block=2 && [ -n "$online" ] && [ "$model" = yes ] && break ;;
      '1model name'*) model=yes ;;
      1processor* | 1vendor_id* | 1uarch* | 1flags* | 1Features* | 1isa* | 1mmu* | '1address sizes'* | ?Model*) ;;
      2processor*) [ -z "$online" ] || continue ;;
      *) continue ;;
    esac
    [ -n "$line" ] || continue
    clean "$line"
    printf '    %.4000s\n' "$clean"
  done </proc/cpuinfo
}

# Two answers no file has: prctl(PR_GET_MDWE), and the errno of an mprotect from writable to executable, the call that
# V8 makes. Shells have no system calls; Debian always has perl, others often have python3. Prints two numbers.
# shellcheck disable=SC2016 # perl's and python's own variables
try_execute() {
  case $1 in
    x86_64) numbers='9 10 157' ;;
    aarch64 | riscv64 | loongarch64) numbers='222 226 167' ;;
    *) return ;;
  esac
  if has perl; then
    # shellcheck disable=SC2086 # three numbers
    tool perl -e '
      my ($mmap, $protect, $prctl) = map { $_ + 0 } @ARGV;
      my $mdwe = syscall($prctl, 66, 0, 0, 0, 0);
      my $page = syscall($mmap, 0, 4096, 3, 34, -1, 0);
      my $done = $page == -1 ? -2 : syscall($protect, $page, 4096, 5);
      printf "%d %s", $mdwe, $done == 0 ? 0 : $done == -1 ? $! + 0 : "unknown";
    ' $numbers
  elif has python3; then
    # shellcheck disable=SC2086 # three numbers
    tool python3 -ISc '
import ctypes, sys
mmap, protect, prctl = map(int, sys.argv[1:])
call = ctypes.CDLL(None, use_errno=True).syscall
call.restype = ctypes.c_long
long = ctypes.c_long
mdwe = call(long(prctl), long(66), long(0), long(0), long(0), long(0))
page = call(long(mmap), long(0), long(4096), long(3), long(34), long(-1), long(0))
done = -2 if page == -1 else call(long(protect), long(page), long(4096), long(5))
print(mdwe, {0: 0, -1: ctypes.get_errno()}.get(done, "unknown"))
' $numbers
  elif [ -x /bin/keep ] && [ -x /bin/confine ]; then
    # A guest of poolproof has neither, and a program of its own: it ends with the errno it met.
    tool /bin/confine read
    case $? in 0) echo 0 0 ;; 1) echo 0 1 ;; 13) echo 1 13 ;; esac
  fi
}

report_files() {
  echo files:
  put_lines /proc/sys/kernel/osrelease 1 ''
  [ "$taken" -gt 0 ] || put_text 'uname -r' "$(tool uname -r)"
  machine=$(tool uname -m)
  put_text 'uname -m' "$machine"
  put_lines /proc/self/smaps 1 KernelPageSize:
  [ "$taken" -gt 0 ] || put_text 'getconf PAGESIZE' "$(tool getconf PAGESIZE)"
  put_lines /etc/os-release 2 ID= VERSION_ID=
  put_lines /proc/meminfo 16 MemTotal: MemAvailable: SwapTotal: SwapFree: CommitLimit: Committed_AS: VmallocTotal: \
    HugePages_Total: Hugepagesize:
  for name in vm/overcommit_memory vm/overcommit_ratio vm/overcommit_kbytes vm/user_reserve_kbytes \
    vm/admin_reserve_kbytes vm/max_map_count kernel/pid_max kernel/threads-max; do put_sysctl "/proc/sys/$name"; done
  put_lines /sys/kernel/mm/transparent_hugepage/enabled 1 ''
  put_lines /sys/kernel/mm/transparent_hugepage/defrag 1 ''
  put_lines /proc/self/limits 32 'Max '
  put_processors
  put_lines /proc/self/status 3 CapEff: NoNewPrivs: Seccomp:
  # Without the name of the process, which is the second field.
  first_line /proc/self/stat
  put_text /proc/self/stat "${text:+0 () ${text##*) }}"
  # shellcheck disable=SC2046 # two words
  set -- $(try_execute "$machine")
  put_text 'prctl PR_GET_MDWE' "${1:-}"
  put_text poolproof/write-execute "${2:-}"
  put_lines /sys/class/dmi/id/sys_vendor 1 ''
  put_lines /sys/hypervisor/type 1 ''
  put_lines /run/systemd/container 1 ''
}

# ---- cgroups: limits from the own group up, never a group's name ------------------------------------

# put_level FOLDER FILE ...
put_level() {
  folder=$1 mark='-'
  shift
  for name in "$@"; do
    first_line "$folder/$name"
    case $text in '' | *[!a-z0-9-]*) text=unknown ;; esac
    printf '    %s %s: "%.32s"\n' "$mark" "$name" "$text"
    mark=' '
  done
}

# walk MOUNT PATH FILE ...: from the own group up; every level that counts has the first of these files, or
# pids.max where processes are all that is counted there.
walk() {
  mount=$1 path=$2 levels=0
  shift 2
  # In a group namespace the path starts at the namespace; what is above cannot be seen from here.
  case $path in */..*) path='' ;; esac
  [ -d "$mount$path" ] || path=''
  while [ "$levels" -lt 32 ]; do
    if [ -e "$mount$path/$1" ] || [ -e "$mount$path/pids.max" ]; then
      [ "$levels" -gt 0 ] || echo '  levels:'
      levels=$((levels + 1))
      put_level "$mount$path" "$@"
    fi
    case $path in '' | /) break ;; esac
    path=${path%/*}
  done
  [ "$levels" -gt 0 ] || echo '  levels: []'
}

report_cgroup() {
  own2='' own1='' groups=''
  if [ -r /proc/self/cgroup ]; then
    while IFS= read -r line; do
      groups="$groups $line"
      case $line in
        0::*) own2=${line#0::} ;;
        *:memory:* | *:memory,*:* | *,memory:*) own1=${line#*:*:} ;;
      esac
    done </proc/self/cgroup
  fi
  echo cgroup:
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    echo '  version: 2'
    walk /sys/fs/cgroup "${own2%/}" memory.max memory.high memory.swap.max memory.current pids.max pids.current
  elif [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
    echo '  version: 1'
    walk /sys/fs/cgroup/memory "${own1%/}" memory.limit_in_bytes memory.soft_limit_in_bytes \
      memory.memsw.limit_in_bytes memory.usage_in_bytes
  else
    printf '  version: unknown\n  levels: unknown\n'
  fi
}

# ---- signs: what is there, never what it says -------------------------------------------------------

report_signs() {
  echo signs:
  for name in /run/secrets/kubernetes.io /var/run/secrets/kubernetes.io /run/.containerenv /.dockerenv \
    /proc/vz /proc/bc /lib/ld-musl-* /lib/ld-linux* /lib64/ld-linux*; do
    clean "$name"
    [ ! -e "$name" ] || printf '  - "%s"\n' "$clean"
  done
  for name in kubepods libpod docker /lxc; do
    case $groups in *"$name"*) printf '  - "cgroup %s"\n' "$name" ;; esac
  done
  # gVisor gives every guest the same build line; the rest of it may name who built a kernel and is not shown.
  first_line /proc/version
  case $text in *gvisor* | *gVisor* | *'Sun Jan 10 15:06:54 PST 2016'*) echo '  - "gVisor"' ;; esac
}

# ---- programs ---------------------------------------------------------------------------------------

# Runs a program with --version for at most three seconds, as an emulated machine can take for what others do at
# once; where `timeout` is missing, as long as it takes. A program that does not even print its version is a finding.
put_version() {
  if [ ! -c /dev/null ]; then
    # Node does not start with a closed standard error.
    answer=$(: | "$1" --version 2>&1)
  elif has timeout; then
    answer=$(: | tool timeout 3 "$1" --version)
  else
    answer=$(: | tool "$1" --version)
  fi
  code=$? version=unknown
  # The first word that looks like a version: `v22.1.0`, `wasmtime 38.0.0 (hash)`, `spin 3.2.0`.
  for word in $answer; do
    case $word in [0-9]*.[0-9]* | v[0-9]*.[0-9]*) version=${word#v} && break ;; esac
  done
  case $code:$version in
    # GNU's code and busybox's for a program that was still at it: that says nothing about the program.
    124:* | 143:* | 0:unknown | 0:*[!A-Za-z0-9.+_-]*) printf '  %s: unknown\n' "$1" ;;
    0:*) printf '  %s: "%.64s"\n' "$1" "$version" ;;
    *) printf '  %s: { exit: %s }\n' "$1" "$code" ;;
  esac
}

report_programs() {
  echo programs:
  for name in node spin wasmtime wasmer deno bun; do
    if ! has "$name"; then
      printf '  %s: notFound\n' "$name"
    elif [ -c /dev/null ]; then
      # All at once. What a shell puts in the background needs /dev/null.
      put_version "$name" &
    else
      put_version "$name"
    fi
  done
  wait
}

# ---- the command ------------------------------------------------------------------------------------

redact=$(cat "$(dirname "$0")/redact.awk") # `poolproof capture` prints the script with the program itself here

report_command() {
  echo command:
  first_line /proc/sys/kernel/hostname
  capture_names="$text
$(tool id -un)
${HOME##*/}
${LOGNAME:-}
${USER:-}"
  capture_words=''
  for word in "$@"; do capture_words="$capture_words$word
"; done
  export capture_names capture_words
  tools=yes
  for name in awk tail tr; do has "$name" || [ -n "$busybox" ] || tools=no; done
  if [ "$tools" = yes ]; then
    echo '  words:'
    tool awk -v words=1 -- "$redact" "$@" || echo '    - unknown'
  else
    echo '  words: unknown'
  fi
  printf 'capture.sh: running the command; Ctrl-C ends it\n' >&2
  # Ctrl-C is for the command: the report is still made.
  trap : INT
  exec 5>&1
  if [ "$tools" = yes ]; then
    # The status comes on a descriptor of its own, so that nothing the command writes can pass for it.
    status=$(
      {
        {
          (trap - INT && unset capture_names capture_words && exec "$@") 2>&1 5>&- 6>&-
          echo "$?" >&6
        } | (
          trap '' INT
          tool tail -c 32768 | tool tr '\000\200-\377' '?' | tool awk -v words=0 -- "$redact" >&7
        )
      } 6>&1 7>&5
    )
  else
    # Nothing here can pick its last lines or hide what must not be told: its output stays on the terminal.
    (trap - INT && unset capture_names capture_words && exec "$@") >&2 5>&-
    status=$?
    echo '  output: unknown'
  fi
  trap - INT
  case $status in '' | *[!0-9]*) status=unknown ;; esac
  # 128 + its number for a signal, as shells tell it and some programs do themselves.
  printf '  status: %s\n' "$status"
}

echo '# What this machine gives a WebAssembly host; made by capture.sh of poolproof. Read it before you send it.'
echo 'poolproof: field-report'
echo 'schema: 2'
report_files
report_cgroup
report_signs
report_programs
if [ "${1:-}" = -- ]; then
  shift
  report_command "$@"
fi
# Whoever reads a report without this line knows that it is cut off.
echo 'end: field-report'
exit 0
