#pragma once

#include <string_view>

#include "glint/io/pickle.h"

// Which functions and classes a pickle may call. Nothing here is ever called: an allowed call is written down as a
// record for torch_values.cpp, which knows the tensors among them; a call of anything else refuses the file.

namespace glint::pickle {

bool may_hold_objects(PickleContent content);
bool may_call(PickleContent content, std::string_view name);
// Of those, the classes that are filled as dicts are.
bool is_dict_class(std::string_view name);

}  // namespace glint::pickle
