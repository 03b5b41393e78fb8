#include "io/pickle_policy.h"

#include <algorithm>
#include <array>

namespace glint::pickle {
namespace {

constexpr std::array<std::string_view, 3> kDictClasses = {
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.Counter",
};

constexpr std::array kCheckpointCalls = std::to_array<std::string_view>({
    // tensors
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch._tensor._rebuild_from_type_v2",
    // tensors of kinds that are not read, and what else of PyTorch stands beside weights
    "torch._utils._rebuild_sparse_tensor",
    "torch._utils._rebuild_qtensor",
    "torch._utils._rebuild_meta_tensor_no_storage",
    "torch.Size",
    "torch.device",
    "torch.serialization._get_layout",
    // settings and results that training scripts save with their weights
    "argparse.Namespace",
    "_codecs.encode",  // bytes, in protocol 2
    "__builtin__.bytearray",
    "__builtin__.bytes",
    "__builtin__.complex",
    "__builtin__.frozenset",
    "__builtin__.set",
    "builtins.bytearray",
    "builtins.bytes",
    "builtins.complex",
    "builtins.frozenset",
    "builtins.set",
    "datetime.date",
    "datetime.datetime",
    "datetime.timedelta",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.numeric._frombuffer",
    "numpy._core.numeric._frombuffer",
    "numpy.dtype",
    "pathlib.PosixPath",
    "pathlib._local.PosixPath",
});

constexpr std::array kTorchScriptCalls = std::to_array<std::string_view>({
    "torch.jit._pickle.build_boollist",
    "torch.jit._pickle.build_doublelist",
    "torch.jit._pickle.build_intlist",
    "torch.jit._pickle.build_tensorlist",
    "torch.jit._pickle.restore_type_tag",
});

template <class Names>
bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool may_hold_objects(PickleContent content) {
  return content != PickleContent::kPlainData;
}

bool may_call(PickleContent content, std::string_view name) {
  if (!may_hold_objects(content)) return false;
  if (is_dict_class(name) || contains(kCheckpointCalls, name)) return true;
  return content == PickleContent::kTorchScript &&
         (name.starts_with("__torch__.") || contains(kTorchScriptCalls, name));
}

bool is_dict_class(std::string_view name) {
  return contains(kDictClasses, name);
}

}  // namespace glint::pickle
