#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "glint/config/config.h"
#include "glint/config/setting_rule.h"

namespace glint {

// Reads `path` (YAML; empty: defaults alone) and then the words "section.key=value", which win. Throws Error naming key
// and line for an unknown key (with the nearest known one), a wrong type or a value out of range.
// `given`: becomes the keys that the file or a word sets.
Config read_config(const std::filesystem::path& path, const std::vector<std::string>& overrides,
                   std::set<std::string>* given = nullptr);

// All settings resolved, as YAML that read_config() accepts; with_comments: each with what it means.
std::string config_text(const Config& config, bool with_comments = false);

// The same as a JSON object of sections.
std::string config_json(const Config& config);

// Of all settings that can change a result (not run.*, worker and thread counts): 16 hexadecimal digits.
std::string config_hash(const Config& config);

struct Setting {
  std::string key;    // "optim.lr"
  std::string value;  // as config_text() writes it
  SettingRule rule;
};

// Every setting of `config`; of head.* those of its own head.
std::vector<Setting> list_settings(const Config& config);

// What a word "section.key=value" sets: "section.key".
std::string key_of(const std::string& word);

// The rule of a setting of any head; none: there is no such key.
std::optional<SettingRule> find_rule(const std::string& key);

// Gives `config` the values that `from` has of the settings that `is_taken` chooses; of head.* where both have the same
// head.
void take_settings(Config& config, const Config& from, const std::function<bool(const Setting&)>& is_taken);

// Every head with its default settings, in HeadConfig's order.
std::vector<HeadConfig> all_heads();

// Their names: "mean_pool", "glscl".
std::vector<std::string> head_names();
std::string head_name(const HeadConfig& head);

}  // namespace glint
