# Functions for the scripts in this directory: start servers, compute figures.
# shellcheck shell=bash

bench_dir=
declare -A server_pid=() server_port=()

# Everything is in one directory on the disk under test, which is removed when the script ends.
bench_begin() {
  bench_dir=$(mktemp -d "${BENCH_DIR:-$PWD/build}/bench-XXXXXX")
  trap bench_end EXIT
  trap 'exit 130' INT TERM
  # redis-check-rdb is the server's binary; its role depends on the name under which it is started.
  ln -s "$(command -v redis-check-rdb)" "$bench_dir/redis-server"
}
bench_end() {
  local name
  for name in "${!server_pid[@]}"; do stop_server "$name"; done
  rm -rf "$bench_dir"
}

binary_of() {
  case $1 in
    engine) echo "$PWD/build/dist/engine/crashpoint-engine" ;;
    redis) echo "$bench_dir/redis-server" ;;
  esac
}

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))  # below those the kernel gives to clients
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
}

# start_server NAME [DIRECTIVES...]: in $bench_dir/NAME, which is kept between starts.
start_server() {
  local name=$1
  shift
  mkdir -p "$bench_dir/$name"
  server_port[$name]=$(free_port)
  "$(binary_of "$name")" --port "${server_port[$name]}" --dir "$bench_dir/$name" --save '' "$@" \
    >"$bench_dir/$name.log" 2>&1 &
  server_pid[$name]=$!
  disown
  until [ "$(ask "$name" PING 2>/dev/null)" = PONG ]; do
    if ! kill -0 "${server_pid[$name]}" 2>/dev/null; then
      cat "$bench_dir/$name.log" >&2
      echo "bench: $name did not start" >&2
      exit 1
    fi
    sleep 0.01
  done
}
stop_server() {
  local pid=${server_pid[$1]:-}
  [ -n "$pid" ] || return 0
  kill -KILL "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do sleep 0.01; done
  unset "server_pid[$1]"
}
ask() {
  local name=$1
  shift
  redis-cli -p "${server_port[$name]}" "$@"
}
info_field() { ask "$1" INFO | tr -d '\r' | sed -n "s/^$2://p"; }

# CPU time of a server so far, in microseconds (the kernel counts in ticks of 10 ms).
cpu_us() {
  awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000000 / hz }' \
    "/proc/${server_pid[$1]}/stat"
}
now_ms() { date +%s%3N; }

# load NAME CLIENTS PIPELINE COUNT: requests per second of SET.
load() {
  redis-benchmark -p "${server_port[$1]}" -t set -d 64 -r 100000 -c "$2" -P "$3" -n "$4" --csv |
    awk -F'"' '/^"SET"/ { print $4 }'
}
# How many requests take about $seconds.
count_for() {
  local probe=$(($2 * $3 * 40))
  ((probe < 2000)) && probe=2000
  awk -v r="$(load "$1" "$2" "$3" $probe)" -v s="$seconds" -v p="$3" 'BEGIN { n = int(r * s / p) * p; print n < p ? p : n }'
}

# Of the numbers given as arguments.
median() { printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'; }
spread() { printf '%s\n' "$@" | sort -g | awk 'NR == 1 { low = $1 } { high = $1 } END { printf "%.4g..%.4g", low, high }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b == 0) print "-"; else printf "%.2f", a / b }'; }

# The two servers, whose turn it is first, in alternation over the rounds.
order() { if (($1 % 2)); then echo redis engine; else echo engine redis; fi; }
