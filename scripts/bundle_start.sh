#!/bin/sh
# Starts the glint beside it with the LibTorch that GLINT_LIBTORCH names (a folder with lib/), else that of python3's torch.
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
program=glint
case $1 in --tests) program=cuda_tests; shift ;; esac
wanted=$(cat "$here/libtorch_version")
fail() { echo "error: $*" >&2; exit 1; }

find_torch='import importlib.util as util; spec = util.find_spec("torch"); print(spec.submodule_search_locations[0] if spec else "")'
torch=${GLINT_LIBTORCH:-$(python3 -c "$find_torch" 2>/dev/null)}
[ -n "$torch" ] || fail "no LibTorch: python3 has no torch; install torch==$wanted, or set GLINT_LIBTORCH to a folder with its lib/"
[ -e "$torch/lib/libtorch_cpu.so" ] || fail "$torch holds no lib/libtorch_cpu.so; set GLINT_LIBTORCH to a folder with LibTorch $wanted's lib/"
if [ -e "$torch/version.py" ]; then
  found=$(sed -n "s/^__version__ = '\([0-9.]*\).*/\1/p" "$torch/version.py")
  [ "$found" = "$wanted" ] || fail "$torch is LibTorch $found, this glint is made for $wanted"
fi

LD_LIBRARY_PATH=$here/lib:$torch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
GLINT_PROGRAM=${GLINT_PROGRAM:-$here/bin/glint}                        # what the tests start
GLINT_TEST_DATA=${GLINT_TEST_DATA:-${TMPDIR:-/tmp}/glint_test_data}  # and where they keep what they make
vocabulary=$here/lib/bpe_simple_vocab_16e6.txt.gz
if [ -z "$GLINT_CLIP_VOCABULARY" ] && [ -e "$vocabulary" ]; then GLINT_CLIP_VOCABULARY=$vocabulary; export GLINT_CLIP_VOCABULARY; fi
export LD_LIBRARY_PATH GLINT_PROGRAM GLINT_TEST_DATA
exec "$here/bin/$program" "$@"
