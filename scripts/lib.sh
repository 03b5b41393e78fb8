# Shared by the scripts in this folder: where things are, and how to speak. Sourced, never run.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# cron and a SLURM prolog set no HOME; the user's entry in the list of accounts has it.
if [ -z "${HOME:-}" ]; then
  HOME=$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6) || HOME=
  [ -z "$HOME" ] || export HOME
fi
cache_home=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
cache=${GLINT_CACHE_DIR:-${cache_home:+$cache_home/glint}}  # empty where nothing names it; setup says so

# The minor versions of CPython 3 for which all pinned wheels exist; scripts/pin_wheels.py takes their hashes.
python_minors=(11 12 13 14)
python_range="3.${python_minors[0]} to 3.${python_minors[-1]}"

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# Does this machine have an NVIDIA driver? ldconfig is outside the PATH of Debian's users; WSL keeps its libcuda elsewhere.
has_driver() {
  [ -e /dev/nvidiactl ] || [ -e /usr/lib/wsl/lib/libcuda.so.1 ] ||
    [[ $(PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null) == *libcuda.so.1* ]]
}

# Are NVIDIA's wheels beside the LibTorch in $1, headers included?
has_cuda_libraries() { [ -e "$1/../nvidia/nccl/include/nccl.h" ] && [ -e "$1/../nvidia/cu13/include/cublas_v2.h" ]; }

# Waits until no other process holds the lock of file $1, and keeps it until this one ends. $2: what it waits for.
lock() {
  exec 9>"$1"
  command -v flock >/dev/null || { say "warning: flock is not installed (util-linux); do not start two of these scripts at once"; return; }
  flock -n 9 && return
  say "waiting for $2 that runs already"
  flock 9 || say "warning: $1 cannot be locked here; do not start two of these scripts at once"
}

# Which packages of third_party/apt.txt are not installed, one a line.
missing_packages() {
  local names name installed
  mapfile -t names < <(grep -v -e '^#' -e '^$' "$root/third_party/apt.txt")
  installed=$'\n'$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${names[@]}" 2>/dev/null || true)$'\n'
  for name in "${names[@]}"; do
    [[ $installed == *$'\n'"$name installed"$'\n'* ]] || printf '%s\n' "$name"
  done
}

# "3.11"; another implementation, or a build without the GIL, has other wheels and is named. Fails where $1 does not start.
python_version() {
  "$1" -c 'import sys, sysconfig
name = "" if sys.implementation.name == "cpython" else sys.implementation.name + " "
print("%s%d.%d%s" % ((name,) + sys.version_info[:2] + ("t" if sysconfig.get_config_var("Py_GIL_DISABLED") else "",)))' 2>/dev/null
}

has_wheels() {  # python
  local version minor
  version=$(python_version "$1") || return 1
  for minor in "${python_minors[@]}"; do [ "$version" != "3.$minor" ] || return 0; done
  return 1
}

# GLINT_PYTHON, else python3, else, where no wheels exist for that one, a python3.N for which they do.
python() {
  local name
  if [ -n "${GLINT_PYTHON:-}" ]; then printf '%s' "$GLINT_PYTHON"; return; fi
  for name in python3 "${python_minors[@]/#/python3.}"; do
    if has_wheels "$name"; then printf '%s' "$name"; return; fi
  done
  printf 'python3'
}

# A name that changes with the pinned versions and hashes, not with comments.
digest_of() { cat "$@" | grep -v '^#' | sha256sum | cut -c1-12; }

# The virtual environment's name says what is in it, so that a changed requirement makes a new one.
venv_dir() {  # cpu or cuda
  local files=("$root/third_party/requirements.txt")
  [ "$1" = cpu ] || files+=("$root/third_party/requirements-cuda.txt")
  printf '%s/venv-%s-py%s-%s' "$cache" "$1" "$(python_version "$(python)" || true)" "$(digest_of "${files[@]}")"
}

# The environment of the slow tests stands on the one above, so its name says what is in both.
test_venv_dir() {
  local base
  base=$(libtorch_dir | sha256sum | cut -c1-6)
  printf '%s/venv-test-%s-%s' "$cache" "$base" "$(digest_of "$root/third_party/requirements-test.txt" "$root/scripts/cuda_stand_ins.py")"
}

# The folder with LibTorch's include/ and lib/; empty where scripts/setup has not run yet.
libtorch_dir() {
  if [ -n "${GLINT_LIBTORCH:-}" ]; then printf '%s' "$GLINT_LIBTORCH"; return; fi
  local kind venv
  for kind in cuda cpu; do
    venv=$(venv_dir $kind)
    if [ -e "$venv/complete" ]; then cat "$venv/complete"; return; fi
  done
}
