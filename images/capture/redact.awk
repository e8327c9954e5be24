# Prints text as a YAML list of quoted lines, without what must not be told: values of the environment, names of
# this machine and its users, addresses, links, paths. POSIX awk (mawk, gawk, busybox).
#   words=1  the arguments are the lines: the words of a command
#   words=0  standard input, its last 40 lines of at most 400 characters each: the output of a command
# ENVIRON: capture_names, the names to hide, first that of the machine; capture_words, the words of the command.
# No apostrophe in this file: it becomes a quoted word of capture.sh.

# Replaces every `from` by `to`, both literally: awks differ in what a backslash in the text of gsub means.
function replace(text, from, to,   at, out) {
  out = ""
  while ((at = index(text, from)) > 0) {
    out = out substr(text, 1, at - 1) to
    text = substr(text, at + length(from))
  }
  return out text
}
function hide(text, secret, label) { return length(secret) < 3 ? text : replace(text, secret, label) }
# As hide, but only where no letter, digit or _ touches it: the user `app` is not part of `happy`.
function hide_word(text, secret, label,   at, out, before, after) {
  if (length(secret) < 2) return text
  out = ""
  while ((at = index(text, secret)) > 0) {
    before = at > 1 ? substr(text, at - 1, 1) : substr(out, length(out), 1)
    after = substr(text, at + length(secret), 1)
    out = out substr(text, 1, at - 1) (before ~ /[A-Za-z0-9_]/ || after ~ /[A-Za-z0-9_]/ ? secret : label)
    text = substr(text, at + length(secret))
  }
  return out text
}
# Variables that decide how a runtime starts, and those that name nobody.
function is_open(name) {
  return name ~ /^(SPIN_|WASMTIME_|NODE_OPTIONS$|LC_|LANG$|TERM$|SHLVL$|MALLOC_|RUST_BACKTRACE$)/
}
function escape(text) {
  gsub(/\033\[[0-9;?]*[A-Za-z]/, "", text)
  gsub(/\t/, " ", text)
  gsub(/[\001-\037\177]/, "", text)
  return replace(replace(text, "\\", "\\\\"), "\"", "\\\"")
}
function hide_values(text,   name) {
  for (name in ENVIRON)
    if (!is_open(name) && name !~ /^capture_/ && length(ENVIRON[name]) >= 6 && !(ENVIRON[name] in program))
      text = hide(text, ENVIRON[name], "<variable>")
  return text
}
function hide_names(text,   i) {
  for (i = 1; i <= names; i++)
    if (!(secret[i] in program)) text = hide_word(text, secret[i], i == 1 ? "<host>" : "<user>")
  gsub(/[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+[.][A-Za-z]+/, "<address>", text)
  gsub(/[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+/, "<address>", text)
  # Six groups are a network card, eight an IPv6 address in full.
  gsub(hex ":" hex ":" hex ":" hex ":" hex ":" hex "(:" hex ":" hex ")?", "<address>", text)
  return hide_short(text)
}
# IPv6 addresses with a gap, `fe80::1`; never a piece of a name such as `i32::abs`.
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
# Absolute paths and those below ~, up to a space, quote or bracket; those of the command stay.
function hide_paths(text,   out, at, path, before, tail) {
  out = ""
  while (match(text, "(file://)?~?/[A-Za-z0-9_.@+~%-]" part "*")) {
    path = substr(text, RSTART, RLENGTH)
    at = RSTART
    before = at > 1 ? substr(text, at - 1, 1) : ""
    tail = ""
    # `file.js:12:5` keeps its line and column.
    if (match(path, /(:[0-9]+)+:?$|[:.]+$/)) { tail = substr(path, RSTART); path = substr(path, 1, RSTART - 1) }
    out = out substr(text, 1, at - 1)
    # `and/or` and `10/20` start in the middle of a word; `node:internal/process` has no leading slash.
    if (path in known || (before ~ /[A-Za-z0-9]/ && path !~ /^file:/)) out = out path tail
    else out = out "<path>" tail
    text = substr(text, at + length(path) + length(tail))
  }
  return out text
}
function hide_links(text) {
  gsub("(ftp|git|https?|redis|postgres|mysql|ssh|wss?)[a-z]*://" part "+", "<link>", text)
  return text
}
# `NAME=value`: of the command the name stays, of its output only what is_open.
function hide_assignment(text,   name) {
  if (match(text, /^[A-Za-z_][A-Za-z0-9_]*=/)) {
    name = substr(text, 1, RLENGTH - 1)
    if (!is_open(name) && (words || name in ENVIRON)) return (words ? name : "<variable>") "=<value>"
  }
  return text
}
function hide_home(text) { return hide(text, ENVIRON["HOME"] == "/" ? "" : ENVIRON["HOME"], "~") }
# The name of a program says nothing of a user who bears it too, such as `node` in its own image. The program is the
# first word, and after a program that starts another one the next word that is no option and no assignment.
function find_programs(   i, name, usual) {
  for (i = split("node npm npx spin wasmtime wasmer deno bun", usual, " "); i > 0; i--) program[usual[i]] = 1
  for (i = 1; i <= count; i++) {
    name = given[i]
    if (i > 1 && name ~ /^-|=/) continue
    sub(/^.*\//, "", name)
    program[name] = 1
    if (name !~ /^(env|exec|nohup|npx|setsid|time)$/) return
  }
}
BEGIN {
  hex = "[0-9a-fA-F]+"
  # How a path or a link goes on. The bracket comes first: every awk reads that.
  part = "[^] \"`\047<>|()[,;]"
  known["/dev/null"] = 1; known["/proc/self/maps"] = 1
  names = split(ENVIRON["capture_names"], secret, "\n")
  count = split(ENVIRON["capture_words"], given, "\n")
  for (i = 1; i <= count; i++) known[given[i]] = 1
  find_programs()
  if (words) {
    for (i = 1; i < ARGC; i++)
      printf "    - \"%s\"\n", escape(substr(hide_names(hide_home(hide_assignment(ARGV[i]))), 1, 300))
    exit
  }
}
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
    line = hide_paths(hide_links(hide_assignment(kept[i % 40])))
    printf "    - \"%s\"\n", escape(hide_names(hide_values(line)))
  }
}
