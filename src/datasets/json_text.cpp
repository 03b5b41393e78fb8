#include "datasets/json_text.h"

#include <nlohmann/json.hpp>

#include "glint/core/error.h"

namespace glint {

std::string& text_field(nlohmann::json& object, const char* name, const std::string& file, const char* entry,
                        std::size_t number) {
  const auto field = object.is_object() ? object.find(name) : object.end();
  if (field == object.end() || !field->is_string())
    throw Error(file, ": ", entry, " ", number, " has no text '", name, "'");
  return field->get_ref<std::string&>();
}

}  // namespace glint
