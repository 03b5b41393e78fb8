#include <nlohmann/json.hpp>
#include <string>

#include "glint/config/config_file.h"
#include "glint/core/json.h"

namespace glint {
namespace {

using Json = nlohmann::ordered_json;

class JsonWriter {
 public:
  explicit JsonWriter(Json& json) : json_(json) {}

  template <class Value>
  void field(const char* name, const Value& value, const SettingRule&, const char*) {
    json_[name] = value;
  }
  template <class Section>
  void section(const char* name, Section& section) {
    JsonWriter inner(json_[name] = Json::object());
    describe(inner, section);
  }
  void head(const char* name, HeadConfig& head, const char*) {
    JsonWriter inner(json_[name] = Json::object());
    inner.json_["name"] = head_name(head);
    std::visit([&](auto& alternative) { describe(inner, alternative); }, head);
  }

 private:
  Json& json_;
};

}  // namespace

std::string config_json(const Config& config) {
  Json json = Json::object();
  JsonWriter writer(json);
  auto copy = config;
  describe(writer, copy);
  return json_text(json, 2);
}

}  // namespace glint
