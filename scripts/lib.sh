# Shared by the scripts in this folder: where things are, and how to speak. Sourced, never run.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${GLINT_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/glint}

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# Does this machine have an NVIDIA driver?
has_driver() { [ -e /dev/nvidiactl ] || ldconfig -p 2>/dev/null | grep -q 'libcuda\.so\.1'; }

# Are NVIDIA's wheels beside the LibTorch in $1, headers included?
has_cuda_libraries() { [ -e "$1/../nvidia/nccl/include/nccl.h" ] && [ -e "$1/../nvidia/cu13/include/cublas_v2.h" ]; }

# The virtual environment's name says what is in it, so that a changed requirement makes a new one.
venv_dir() {
  local kind=$1 python_version requirements_hash
  python_version=$("$(python)" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  requirements_hash=$(sha256sum "$root/third_party/requirements.txt" | cut -c1-12)
  printf '%s/venv-%s-py%s-%s' "$cache" "$kind" "$python_version" "$requirements_hash"
}

# The environment of the slow tests stands on the one above, so its name says what is in both.
test_venv_dir() {
  local base requirements_hash
  base=$(libtorch_dir | sha256sum | cut -c1-6)
  requirements_hash=$(cat "$root/third_party/requirements-test.txt" "$root/scripts/cuda_stand_ins.py" | sha256sum | cut -c1-12)
  printf '%s/venv-test-%s-%s' "$cache" "$base" "$requirements_hash"
}

# GLINT_PYTHON names another interpreter (it must be one that the wheels exist for: 3.10 to 3.14).
python() { printf '%s' "${GLINT_PYTHON:-python3}"; }

# The folder with LibTorch's include/ and lib/; empty where scripts/setup has not run yet.
libtorch_dir() {
  if [ -n "${GLINT_LIBTORCH:-}" ]; then printf '%s' "$GLINT_LIBTORCH"; return; fi
  local kind venv
  for kind in cuda cpu; do
    venv=$(venv_dir $kind)
    if [ -e "$venv/complete" ]; then cat "$venv/complete"; return; fi
  done
}
