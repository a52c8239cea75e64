# shellcheck shell=bash
# What the scripts of this repository share. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # for those who source this
example=$root/examples/foodtrucks

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() { say "$*"; exit 1; }

have() { command -v "$1" > /dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

engine_answers() { docker version > /dev/null 2>&1; }

image_exists() { docker image inspect "$1" > /dev/null 2>&1; }

# A registry answers when it greets us or asks who we are; a proxy's refusal is no answer.
registry_answers() {
  have curl || return 1
  case $(curl --silent --output /dev/null --max-time 2 --write-out '%{http_code}' "https://$1/v2/") in
    200 | 401) return 0 ;;
    *) return 1 ;;
  esac
}

# Where cargo puts what it builds.
target_dir() { printf '%s\n' "${CARGO_TARGET_DIR:-$root/target}"; }

# A user who was put into the group `docker` in this login session does not have it yet: run the calling script again with it.
with_engine_group() {
  engine_answers && return
  id -nG "$(id -un)" | tr ' ' '\n' | grep -qx docker || return 0
  [ -z "${WINDLASS_IN_GROUP:-}" ] || return 0
  WINDLASS_IN_GROUP=1 exec sg docker -c "$(printf '%q ' "$@")"
}

now() { date +%s%N; }

# Seconds with one decimal since a `now`.
since() {
  local tenths=$((($(now) - $1) / 100000000))
  printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

timings=()

# stage NAME COMMAND…: runs it and remembers how long it took.
stage() {
  local name=$1 begin
  shift
  printf '\n== %s\n' "$name" >&2
  begin=$(now)
  "$@"
  timings+=("$(printf '%-24s %10s' "$name" "$(since "$begin")")")
}

print_timings() {
  [ "${#timings[@]}" = 0 ] || printf '  %s\n' "${timings[@]}"
}
