#!/bin/sh
# Prints a field report: what decides whether a WebAssembly host can reserve its memory here, and with
# `-- command` how that command fails. POSIX sh (dash, busybox ash, bash), no root, nothing installed.
# Builtins wherever possible: on the machines this is for a fork can fail, and so can every tool.
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
  memory, swap, huge pages; overcommit settings, CommitLimit, Committed_AS; transparent huge pages
  vm.max_map_count, kernel.pid_max, kernel.threads-max; all resource limits, soft and hard
  cgroup memory and process limits, from this process up the tree, with their present use
  processor model, flags, address widths; signs of virtualisation and emulation
  seccomp, no-new-privileges, whether memory may be writable and executable
  signs of a container, WSL or gVisor
  versions of node, spin, wasmtime, wasmer, deno and bun, where they are in PATH
  of COMMAND: its words, exit code or signal, its last 40 lines of output

What it does not take: names of this machine or of its users, addresses, serial numbers, environment
variables, paths other than those in COMMAND. The output of COMMAND is searched for all of these, and
what is found is replaced by words in angle brackets. Read the report before you send it.

A fact that cannot be read says `unknown`.

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

# ---- values -----------------------------------------------------------------------------------------

# Sets $text to the first line of a file, or to nothing. Never fails and never forks.
first_line() {
  text=
  # Closed, not /dev/null: in a bare root there is none.
  [ -r "$1" ] && { IFS= read -r text <"$1"; } 2>&-
  return 0
}

# One key with a text as YAML: what could end or leave a quoted text becomes `?`.
put_text() {
  case $2 in
    '' | unknown) printf '%s: unknown\n' "$1" && return ;;
    *[!A-Za-z0-9\ ._,:\;@+=/\(\)\<\>#%*!~-]*) ;;
    *) printf '%s: "%s"\n' "$1" "$2" && return ;;
  esac
  rest=$2 clean=
  while [ -n "$rest" ]; do
    char=${rest%"${rest#?}"} rest=${rest#?}
    case $char in
      [A-Za-z0-9\ ._,:\;@+=/\(\)\<\>#%*!~-]) clean=$clean$char ;;
      *) clean=$clean\? ;;
    esac
  done
  printf '%s: "%s"\n' "$1" "$clean"
}

# One key with a whole number, or one of the words `unlimited`, `yes`, `no`.
put_number() {
  case $2 in
    unlimited | yes | no) printf '%s: %s\n' "$1" "$2" ;;
    '' | *[!0-9]*) printf '%s: unknown\n' "$1" ;;
    *) printf '%s: %s\n' "$1" "$2" ;;
  esac
}

# A number below /proc/sys. The kernel answers the first read(2) only and has nothing after it, and dash and
# busybox ash read a byte at a time: of 65530 they would see 6. So another program reads it, except in bash.
put_sysctl() {
  if [ -n "${BASH_VERSION:-}" ]; then first_line "$2"; else text=$(cat "$2" 2>&-); fi
  put_number "$1" "$text"
}

# ---- machine ----------------------------------------------------------------------------------------

report_kernel() {
  echo kernel:
  first_line /proc/sys/kernel/osrelease
  release=$text
  [ -n "$release" ] || release=$(uname -r 2>/dev/null)
  put_text '  release' "$release"
  put_text '  architecture' "$(uname -m 2>/dev/null)"
  page=
  if [ -r /proc/self/smaps ]; then
    while read -r key value _; do
      [ "$key" = KernelPageSize: ] && page=$((value * 1024)) && break
    done 2>&- </proc/self/smaps
  fi
  [ -n "$page" ] || page=$(getconf PAGESIZE 2>/dev/null)
  put_number '  pageSize' "$page"
}

report_system() {
  echo system:
  id='' version=''
  if [ -r /etc/os-release ]; then
    while IFS='=' read -r key value; do
      value=${value#[\"\']} value=${value%[\"\']}
      case $key in
        ID) id=$value ;;
        VERSION_ID) version=$value ;;
      esac
    done </etc/os-release
  fi
  put_text '  id' "$id"
  put_text '  version' "$version"
  # The program loader tells the C library; several may be there, then nobody can tell which one counts.
  libc=''
  for loader in /lib/ld-musl-* /lib/ld-linux* /lib64/ld-linux*; do
    [ -e "$loader" ] || continue
    case $loader in
      */ld-musl-*) found=musl ;;
      *) found=glibc ;;
    esac
    case $libc in
      '' | "$found") libc=$found ;;
      *) libc='several' ;;
    esac
  done
  put_text '  libc' "$libc"
}

report_memory() {
  total='' available='' swap='' swap_free='' limit='' committed='' huge='' huge_size='' vmalloc=''
  if [ -r /proc/meminfo ]; then
    while read -r key value _; do
      case $key in
        MemTotal:) total=$value ;;
        MemAvailable:) available=$value ;;
        SwapTotal:) swap=$value ;;
        SwapFree:) swap_free=$value ;;
        CommitLimit:) limit=$value ;;
        Committed_AS:) committed=$value ;;
        VmallocTotal:) vmalloc=$value ;;
        HugePages_Total:) huge=$value ;;
        Hugepagesize:) huge_size=$value ;;
      esac
    done </proc/meminfo
  fi
  echo memory:
  put_number '  totalKib' "$total"
  put_number '  availableKib' "$available"
  put_number '  swapTotalKib' "$swap"
  put_number '  swapFreeKib' "$swap_free"
  put_number '  commitLimitKib' "$limit"
  put_number '  committedKib' "$committed"
  put_number '  vmallocTotalKib' "$vmalloc"
  put_number '  hugePages' "$huge"
  put_number '  hugePageKib' "$huge_size"
  echo overcommit:
  put_sysctl '  mode' /proc/sys/vm/overcommit_memory
  put_sysctl '  ratio' /proc/sys/vm/overcommit_ratio
  put_sysctl '  kib' /proc/sys/vm/overcommit_kbytes
  put_sysctl '  userReserveKib' /proc/sys/vm/user_reserve_kbytes
  put_sysctl '  adminReserveKib' /proc/sys/vm/admin_reserve_kbytes
  echo transparentHugePages:
  for name in enabled defrag; do
    first_line "/sys/kernel/mm/transparent_hugepage/$name"
    case $text in
      *\[*\]*) text=${text#*\[} text=${text%%\]*} ;;
      *) text= ;;
    esac
    put_text "  $name" "$text"
  done
  echo kernelLimits:
  put_sysctl '  maxMapCount' /proc/sys/vm/max_map_count
  put_sysctl '  pidMax' /proc/sys/kernel/pid_max
  put_sysctl '  threadsMax' /proc/sys/kernel/threads-max
}

# `Max address space   unlimited   unlimited   bytes`, as name and line's start; units are the kernel's own.
limits='addressSpace=Max address space
core=Max core file size
cpu=Max cpu time
data=Max data size
fileLocks=Max file locks
fileSize=Max file size
lockedMemory=Max locked memory
messageQueues=Max msgqueue size
nice=Max nice priority
openFiles=Max open files
pendingSignals=Max pending signals
processes=Max processes
realTimePriority=Max realtime priority
realTimeTimeout=Max realtime timeout
resident=Max resident set
stack=Max stack size'

report_limits() {
  echo resourceLimits:
  table=''
  if [ -r /proc/self/limits ]; then
    while IFS= read -r line; do table="$table$line
"; done </proc/self/limits
  fi
  old_ifs=$IFS
  IFS='
'
  for row in $limits; do
    key=${row%%=*} title=${row#*=} soft='' hard=''
    for line in $table; do
      case $line in
        "$title "*)
          IFS=' '
          # shellcheck disable=SC2086 # word splitting takes the two values apart
          set -- ${line#"$title"}
          soft=${1:-} hard=${2:-}
          ;;
      esac
    done
    IFS='
'
    case $soft in unlimited) ;; '' | *[!0-9]*) soft=unknown ;; esac
    case $hard in unlimited) ;; '' | *[!0-9]*) hard=unknown ;; esac
    printf '  %s: { soft: %s, hard: %s }\n' "$key" "$soft" "$hard"
  done
  IFS=$old_ifs
}

# ---- cgroups: limits from the own group up, never a group's name ------------------------------------

# `max` and v1's 2^63 less a page both mean that there is no limit.
cgroup_value() {
  first_line "$1"
  case $text in
    max | 9223372036854771712 | 9223372036854710272 | 9223372036854775807 | 18446744073709551615) text=unlimited ;;
    -1) text=unlimited ;;
    '' | *[!0-9]*) text=unknown ;;
  esac
}

# put_level <folder> <key=file> ...
put_level() {
  folder=$1 level=''
  shift
  for pair in "$@"; do
    cgroup_value "$folder/${pair#*=}"
    level="$level${level:+, }${pair%%=*}: $text"
  done
  printf '    - { %s }\n' "$level"
}

# walk <mount point> <path of the own group> <file every level has> <key=file> ...
walk() {
  mount=$1 path=$2 proof=$3
  shift 3
  # In a group namespace the path starts at the namespace; what is above cannot be seen from here.
  case $path in */..*) path='' ;; esac
  [ -d "$mount$path" ] || path=''
  levels=0
  while :; do
    if [ -e "$mount$path/$proof" ]; then
      [ "$levels" -eq 0 ] && echo '  levels:'
      levels=$((levels + 1))
      put_level "$mount$path" "$@"
    fi
    case $path in '' | /) break ;; esac
    path=${path%/*}
    [ "$levels" -ge 32 ] && break
  done
  [ "$levels" -gt 0 ] || echo '  levels: []'
}

report_cgroup() {
  echo cgroup:
  own2='' own1=''
  if [ -r /proc/self/cgroup ]; then
    while IFS= read -r line; do
      case $line in
        0::*) own2=${line#0::} ;;
        *:memory:* | *:memory,*:* | *,memory:*) own1=${line#*:*:} ;;
      esac
    done </proc/self/cgroup
  fi
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    echo '  version: 2'
    walk /sys/fs/cgroup "${own2%/}" memory.max memoryMax=memory.max memoryHigh=memory.high \
      swapMax=memory.swap.max memoryCurrent=memory.current pidsMax=pids.max pidsCurrent=pids.current
  elif [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
    echo '  version: 1'
    walk /sys/fs/cgroup/memory "${own1%/}" memory.limit_in_bytes memoryMax=memory.limit_in_bytes \
      memoryHigh=memory.soft_limit_in_bytes memoryAndSwapMax=memory.memsw.limit_in_bytes \
      memoryCurrent=memory.usage_in_bytes
  else
    echo '  version: unknown'
    echo '  levels: unknown'
  fi
}

# ---- processor --------------------------------------------------------------------------------------

report_processor() {
  model='' flags='' physical='' virtual='' mmu='' vendor='' counted=0 blank=no
  first_line /sys/devices/system/cpu/online
  online=$text count=''
  if [ -n "$online" ]; then
    count=0 old_ifs=$IFS
    IFS=,
    for range in $online; do
      case $range in
        *[!0-9-]* | '') count='' && break ;;
        *-*) count=$((count + ${range#*-} - ${range%-*} + 1)) ;;
        *) count=$((count + 1)) ;;
      esac
    done
    IFS=$old_ifs
  fi
  if [ -r /proc/cpuinfo ]; then
    while IFS= read -r line; do
      value=${line#*:} value=${value# }
      case $line in
        processor*) counted=$((counted + 1)) ;;
        # The first processor speaks for all; the others are only counted, where nothing else tells.
        '') blank=yes && [ -n "$count" ] && break ;;
      esac
      [ "$blank" = yes ] && continue
      case $line in
        'model name'* | Model* | uarch*) [ -n "$model" ] || model=$value ;;
        vendor_id*) vendor=$value ;;
        flags* | Features* | isa*) [ -n "$flags" ] || flags=$value ;;
        mmu*) mmu=$value ;;
        'address sizes'*)
          physical=${value%% bits physical*}
          virtual=${value#*, } virtual=${virtual%% bits virtual*}
          ;;
      esac
    done </proc/cpuinfo
  fi
  [ -n "$count" ] || { [ "$counted" -gt 0 ] && count=$counted; }
  echo processor:
  put_number '  count' "$count"
  put_text '  model' "$model"
  put_text '  vendor' "$vendor"
  put_text '  flags' "$flags"
  put_number '  physicalBits' "$physical"
  put_number '  virtualBits' "$virtual"
  put_text '  mmu' "$mmu"
  # The stack lies just below the end of the address space of a process (field 28 of its stat).
  bits='' stack=''
  first_line /proc/self/stat
  if [ -n "$text" ]; then
    # shellcheck disable=SC2086 # word splitting takes the fields apart
    set -- ${text##*) }
    [ "$#" -ge 26 ] && shift 25 && stack=$1
  fi
  case $stack in
    '' | *[!0-9]* | 0 | 1) ;;
    *)
      bits=0
      while [ "$stack" -gt 0 ] && [ "$bits" -lt 63 ]; do
        bits=$((bits + 1)) stack=$((stack >> 1))
      done
      ;;
  esac
  put_number '  processBits' "$bits"
  virtualised=unknown
  case " $flags " in
    '  ') ;;
    *' hypervisor '*) virtualised=yes ;;
    *) [ "$vendor" = '' ] || virtualised=no ;;
  esac
  put_number '  virtualised' "$virtualised"
  emulated=unknown
  case $model in
    '') ;;
    *QEMU*) emulated=yes ;;
    *) emulated=no ;;
  esac
  put_number '  emulatedModel' "$emulated"
  first_line /sys/class/dmi/id/sys_vendor
  put_text '  machineVendor' "$text"
  first_line /sys/hypervisor/type
  put_text '  hypervisor' "$text"
}

# ---- process ----------------------------------------------------------------------------------------

# Asks prctl(PR_GET_MDWE) and tries an mprotect from writable to executable, as V8 does. Shells have no
# system calls; Debian always has perl, others often have python3. Prints two words.
# shellcheck disable=SC2016 # perl's and python's own variables
ask_execute() {
  case $(uname -m 2>/dev/null) in
    x86_64) numbers='9 10 157' ;;
    aarch64 | riscv64 | loongarch64) numbers='222 226 167' ;;
    *) return ;;
  esac
  if command -v perl >/dev/null 2>&1; then
    # shellcheck disable=SC2086 # three numbers
    perl -e '
      my ($mmap, $protect, $prctl) = map { $_ + 0 } @ARGV;
      my $mdwe = syscall($prctl, 66, 0, 0, 0, 0);
      my $page = syscall($mmap, 0, 4096, 3, 34, -1, 0);
      my $done = $page == -1 ? -2 : syscall($protect, $page, 4096, 5);
      printf "%s %s", $mdwe == -1 ? "unknown" : $mdwe & 1 ? "yes" : "no",
        $done == 0 ? "yes" : $done == -1 ? "no" : "unknown";
    ' $numbers 2>/dev/null
  elif command -v python3 >/dev/null 2>&1; then
    # shellcheck disable=SC2086 # three numbers
    python3 -ISc '
import ctypes, sys
mmap, protect, prctl = map(int, sys.argv[1:])
call = ctypes.CDLL(None, use_errno=True).syscall
call.restype = ctypes.c_long
long = ctypes.c_long
mdwe = call(long(prctl), long(66), long(0), long(0), long(0), long(0))
page = call(long(mmap), long(0), long(4096), long(3), long(34), long(-1), long(0))
done = -2 if page == -1 else call(long(protect), long(page), long(4096), long(5))
print("unknown" if mdwe == -1 else "yes" if mdwe & 1 else "no", {0: "yes", -1: "no"}.get(done, "unknown"))
' $numbers 2>/dev/null
  elif [ -x /bin/keep ] && [ -x /bin/confine ]; then
    # A guest of poolproof has neither, and a program that asks: it ends with the errno it met.
    /bin/confine read 2>/dev/null
    case $? in
      0) echo no yes ;;
      1) echo no no ;;
      13) echo yes no ;;
    esac
  fi
}

report_process() {
  seccomp='' privileges='' capabilities=''
  if [ -r /proc/self/status ]; then
    while read -r key value _; do
      case $key in
        Seccomp:) seccomp=$value ;;
        NoNewPrivs:) privileges=$value ;;
        CapEff:) capabilities=$value ;;
      esac
    done </proc/self/status
  fi
  echo process:
  case $seccomp in
    0) seccomp=none ;;
    1) seccomp=strict ;;
    2) seccomp=filter ;;
    *) seccomp=unknown ;;
  esac
  put_text '  seccomp' "$seccomp"
  case $privileges in
    0) privileges=no ;;
    1) privileges=yes ;;
  esac
  put_number '  noNewPrivileges' "$privileges"
  # Bit 21 is CAP_SYS_ADMIN: the administrators' reserve of memory is not kept from such a process.
  admin=unknown
  case $capabilities in
    ??????????*)
      digit=${capabilities%?????} digit=${digit#"${digit%?}"}
      case $digit in
        [2367abefABEF]) admin=yes ;;
        [014589cdCD]) admin=no ;;
      esac
      ;;
  esac
  put_number '  sysAdmin' "$admin"
  # shellcheck disable=SC2046 # two words
  set -- $(ask_execute)
  put_number '  memoryDenyWriteExecute' "${1:-unknown}"
  put_number '  writableToExecutable' "${2:-unknown}"
}

# Signs only: where there is none, that is all that can be said.
report_surroundings() {
  container=''
  groups=''
  if [ -r /proc/self/cgroup ]; then
    while IFS= read -r line; do groups="$groups $line"; done </proc/self/cgroup
  fi
  if [ -d /run/secrets/kubernetes.io ] || [ -d /var/run/secrets/kubernetes.io ]; then
    container=kubernetes
  elif [ -e /run/.containerenv ]; then
    container=podman
  elif [ -e /.dockerenv ]; then
    container=docker
  elif [ -e /proc/vz ] && [ ! -e /proc/bc ]; then
    container=openvz
  else
    first_line /run/systemd/container
    container=$text
    [ -n "$container" ] || case $groups in
      *kubepods*) container=kubernetes ;;
      *libpod*) container=podman ;;
      *docker*) container=docker ;;
      */lxc*) container=lxc ;;
    esac
  fi
  echo surroundings:
  put_text '  container' "${container:-noSign}"
  first_line /proc/sys/kernel/osrelease
  case $text in
    '') wsl=unknown ;;
    *-Microsoft*) wsl=wsl1 ;;
    *microsoft* | *WSL2*) wsl=wsl2 ;;
    *) wsl=noSign ;;
  esac
  put_text '  wsl' "$wsl"
  # gVisor gives every guest the same build line; the rest of it may name who built a kernel and is not shown.
  first_line /proc/version
  case $text in
    '') gvisor=unknown ;;
    *gvisor* | *gVisor* | *'Sun Jan 10 15:06:54 PST 2016'*) gvisor=sign ;;
    *) gvisor=noSign ;;
  esac
  put_text '  gvisor' "$gvisor"
}

# ---- programs ---------------------------------------------------------------------------------------

# Runs a program with --version for at most three seconds, as an emulated machine can take for what others do
# at once; where `timeout` is missing, as long as it takes.
ask_version() {
  if command -v timeout >/dev/null 2>&1; then
    answer=$(timeout 3 "$1" --version 2>/dev/null </dev/null)
  else
    answer=$("$1" --version 2>/dev/null </dev/null)
  fi
  code=$?
  # The first word that looks like a version: `v22.1.0`, `wasmtime 38.0.0 (hash)`, `spin 3.2.0`.
  version=''
  for word in $answer; do
    case $word in
      [0-9]*.[0-9]* | v[0-9]*.[0-9]*) version=${word#v} && break ;;
    esac
  done
  case $version in '' | *[!A-Za-z0-9.+_-]*) version=unknown ;; esac
  # GNU's word and busybox's for a program that was still at it: that says nothing about the program.
  case $code in 124 | 143) code=0 version=unknown ;; esac
  printf '%s %s %s\n' "$1" "$code" "$version"
}

report_programs() {
  echo programs:
  # All at once, each on a line of its own.
  answers=$(
    for program in node spin wasmtime wasmer deno bun; do
      command -v "$program" >/dev/null 2>&1 && ask_version "$program" &
    done
    wait
  )
  for program in node spin wasmtime wasmer deno bun; do
    line=''
    # shellcheck disable=SC2086 # word splitting: three words a program
    set -- $answers
    while [ "$#" -ge 3 ]; do
      [ "$1" = "$program" ] && line="$2 $3"
      shift 3
    done
    case $line in
      '') printf '  %s: notFound\n' "$program" ;;
      '0 unknown') printf '  %s: unknown\n' "$program" ;;
      '0 '*) printf '  %s: "%s"\n' "$program" "${line#0 }" ;;
      # That it does not even print its version is a finding.
      *) printf '  %s: { exit: %s }\n' "$program" "${line%% *}" ;;
    esac
  done
}

# ---- the command ------------------------------------------------------------------------------------

# YAML list of quoted texts out of lines, or with `words` set out of arguments. Replaces what must not
# be told: variables of the environment, this machine's and this user's names, addresses, paths.
# shellcheck disable=SC2016 # awk's own variables
privacy='
# Every `from` by `to`, both as they are; awks differ in what a backslash in the text of gsub means.
function join(text, from, to,   at, out) {
  out = ""
  while ((at = index(text, from)) > 0) {
    out = out substr(text, 1, at - 1) to
    text = substr(text, at + length(from))
  }
  return out text
}
function hide(text, secret, word) { return length(secret) < 3 ? text : join(text, secret, word) }
# As hide, but only where no letter, digit or _ touches it: a user may be called `node` or `app`.
function hide_word(text, secret, word,   at, out, before, after) {
  if (length(secret) < 2) return text
  out = ""
  while ((at = index(text, secret)) > 0) {
    before = at > 1 ? substr(text, at - 1, 1) : substr(out, length(out), 1)
    after = substr(text, at + length(secret), 1)
    out = out substr(text, 1, at - 1) (before ~ /[A-Za-z0-9_]/ || after ~ /[A-Za-z0-9_]/ ? secret : word)
    text = substr(text, at + length(secret))
  }
  return out text
}
function is_open(name) {
  return name ~ /^(SPIN_|WASMTIME_|NODE_OPTIONS$|LC_|LANG$|TERM$|SHLVL$|MALLOC_|RUST_BACKTRACE$)/
}
function escape(text) {
  gsub(/\033\[[0-9;?]*[A-Za-z]/, "", text)
  gsub(/\t/, " ", text)
  gsub(/[\001-\037\177]/, "", text)
  return join(join(text, "\\", "\\\\"), "\"", "\\\"")
}
function hide_values(text,   name) {
  for (name in ENVIRON)
    if (!is_open(name) && name !~ /^capture_/ && length(ENVIRON[name]) >= 6) text = hide(text, ENVIRON[name], "<variable>")
  return text
}
function hide_names(text,   i) {
  for (i = 1; i <= secrets; i++) text = hide_word(text, secret[i], i == 1 ? "<host>" : "<user>")
  gsub(/[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+[.][A-Za-z]+/, "<address>", text)
  gsub(/[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+/, "<address>", text)
  # Six groups are a network card, eight a long address.
  gsub(hex ":" hex ":" hex ":" hex ":" hex ":" hex "(:" hex ":" hex ")?", "<address>", text)
  return hide_short(text)
}
# Short addresses, `fe80::1`; never a piece of a name such as `i32::abs`.
function hide_short(text,   out, found, before, after) {
  out = ""
  while (match(text, /[0-9a-fA-F:]*::[0-9a-fA-F:]*/)) {
    found = substr(text, RSTART, RLENGTH)
    before = RSTART > 1 ? substr(text, RSTART - 1, 1) : ""
    after = substr(text, RSTART + RLENGTH, 1)
    out = out substr(text, 1, RSTART - 1) (before after ~ /[A-Za-z0-9_]/ || found !~ /[0-9]/ ? found : "<address>")
    text = substr(text, RSTART + RLENGTH)
  }
  return out text
}
# Absolute paths and those below ~, up to a space, quote or bracket; those of COMMAND stay.
function hide_paths(text,   out, at, path, before) {
  out = ""
  while (match(text, "(file://)?~?/[A-Za-z0-9_.@+~%-]" part "*")) {
    path = substr(text, RSTART, RLENGTH)
    at = RSTART
    before = at > 1 ? substr(text, at - 1, 1) : ""
    tail = ""
    # `file.js:12:5` keeps its place.
    if (match(path, /(:[0-9]+)+:?$|[:.]+$/)) { tail = substr(path, RSTART); path = substr(path, 1, RSTART - 1) }
    out = out substr(text, 1, at - 1)
    # `and/or`, `10/20`, `https://…` start in the middle of a word; `node:internal/process` has no leading slash.
    if (path in known || (before ~ /[A-Za-z0-9]/ && path !~ /^file:/)) out = out path tail
    else out = out "<path>" tail
    text = substr(text, at + length(path) + length(tail))
  }
  return out text
}
# Addresses of the network: only what kind it is.
function hide_links(text) {
  gsub("(ftp|git|https?|redis|postgres|mysql|ssh|wss?)[a-z]*://" part "+", "<link>", text)
  return text
}
function hide_assignment(text,   name) {
  if (match(text, /^[A-Za-z_][A-Za-z0-9_]*=/)) {
    name = substr(text, 1, RLENGTH - 1)
    if (!is_open(name) && (words || name in ENVIRON)) return name_of(name) "=<value>"
  }
  return text
}
function name_of(name) { return words ? name : "<variable>" }
BEGIN {
  # What a path or a link goes on with; a bracket first is the one way to write it that every awk reads.
  hex = "[0-9a-fA-F]+"
  part = "[^] \"`\047<>|()[,;]"
  known["/dev/null"] = 1; known["/proc/self/maps"] = 1
  secrets = split(ENVIRON["capture_names"], secret, "\n")
  count = split(ENVIRON["capture_words"], given, "\n")
  for (i = 1; i <= count; i++) known[given[i]] = 1
  if (words) {
    for (i = 1; i < ARGC; i++) printf "    - \"%s\"\n", escape(substr(hide_names(hide_home(hide_assignment(ARGV[i]))), 1, 300))
    exit
  }
}
function hide_home(text) { return hide(text, ENVIRON["HOME"] == "/" ? "" : ENVIRON["HOME"], "~") }
# Lines are kept as they come: at most 40, each at most 400 characters.
{
  line = $0
  gsub(/\033\[[0-9;?]*[A-Za-z]/, "", line)
  gsub(/\t/, " ", line)
  kept[NR % 40] = substr(line, 1, 400)
}
END {
  if (words) exit
  first = NR > 40 ? NR - 39 : 1
  print NR == 0 ? "  output: []" : "  output:"
  for (i = first; i <= NR; i++) {
    line = hide_assignment(kept[i % 40])
    line = hide_paths(hide_links(line))
    printf "    - \"%s\"\n", escape(hide_names(hide_values(line)))
  }
}
'

report_command() {
  echo command:
  first_line /proc/sys/kernel/hostname
  capture_names="$text
$(id -un 2>/dev/null)
${HOME##*/}
${LOGNAME:-}
${USER:-}"
  capture_words=''
  for word in "$@"; do capture_words="$capture_words$word
"; done
  export capture_names capture_words
  tools=yes
  for tool in awk tail tr; do command -v "$tool" >/dev/null 2>&1 || tools=no; done
  if [ "$tools" = yes ]; then
    echo '  words:'
    awk -v words=1 -- "$privacy" "$@" 2>/dev/null </dev/null || echo '    - unknown'
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
          tail -c 32768 | tr '\000\200-\377' '?' | awk -v words=0 -- "$privacy" >&7
        )
      } 6>&1 7>&5
    )
  else
    # Nothing here can pick its last lines or hide what must not be told: its output stays on the terminal.
    (trap - INT && unset capture_names capture_words && exec "$@") >&2 5>&-
    status=$?
  fi
  trap - INT
  code=unknown signal=none
  case $status in
    '' | *[!0-9]*) signal=unknown ;;
    *)
      if [ "$status" -gt 128 ] && name=$(kill -l "$status" 2>/dev/null) && [ -n "$name" ]; then
        # A shell tells a signal by 128 + its number, as some programs do themselves.
        signal=SIG${name#SIG}
      else
        code=$status
      fi
      ;;
  esac
  [ "$tools" = yes ] || echo '  output: unknown'
  case $code in
    unknown) [ "$signal" = unknown ] && echo '  exit: unknown' || echo '  exit: none' ;;
    *) printf '  exit: %s\n' "$code" ;;
  esac
  put_text '  signal' "$signal"
}

echo '# What this machine gives a WebAssembly host; made by capture.sh of poolproof. Read it before you send it.'
echo 'poolproof: field-report'
echo 'schema: 1'
report_kernel
report_system
report_memory
report_limits
report_cgroup
report_processor
report_process
report_surroundings
report_programs
if [ "${1:-}" = -- ]; then
  shift
  report_command "$@"
fi
exit 0
