#include "app/agreement.h"

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>

#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/json.h"
#include "glint/core/machine_name.h"

namespace glint::app {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// A network's file system may show a new file a little later elsewhere.
constexpr std::chrono::milliseconds kFileDelay(5000), kPoll(50);

// "section.key" -> value.
json common_settings(const Config& config) {
  json settings;
  for (const auto& setting : list_settings(config)) {
    if (!setting.rule.is_of_machine) settings[setting.key] = setting.value;
  }
  settings["glint's version"] = GLINT_VERSION;
  return settings;
}

std::string value_at(const json& settings, const std::string& key) {
  return settings.contains(key) ? settings.at(key).get<std::string>() : "not set";
}

// The first key that differs; empty where none does.
std::string first_difference(const json& one, const json& other) {
  auto keys = one;
  keys.update(other);
  for (const auto& [key, ignored] : keys.items()) {
    if (value_at(one, key) != value_at(other, key)) return key;
  }
  return "";
}

void check_settings(const Config& config, Communicator& peers) {
  const auto own = json{{"machine", machine_name()}, {"settings", common_settings(config)}};
  const auto all = peers.all_gather(json_text(own));
  const auto first = json::parse(all.front());
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all.front()) continue;
    const auto other = json::parse(all[rank]);
    const auto key = first_difference(first.at("settings"), other.at("settings"));
    if (key.empty()) continue;
    const auto said = [&](const json& word) { return key + " " + value_at(word.at("settings"), key); };
    throw Error("rank ", rank, ", on ", other.at("machine").get<std::string>(), ", was started with ", said(other),
                ", rank 0, on ", first.at("machine").get<std::string>(), ", with ", said(first),
                ": start all with the same settings and the same glint");
  }
}

bool appears(const fs::path& path) {
  const auto end = std::chrono::steady_clock::now() + kFileDelay;
  while (!files::exists(path)) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

// Rank 0 leaves a file there, which the others must see.
void check_run_folder(const fs::path& folder, Communicator& peers) {
  const bool leads = peers.rank() == 0;
  std::random_device random;
  const auto name = peers.all_gather(leads ? concat(".meeting_", random()) : std::string()).front();
  if (leads) write_file(folder / name, machine_name());
  peers.barrier();
  const bool is_seen = leads || appears(folder / name);
  const auto blind = peers.all_gather(is_seen ? std::string() : machine_name());
  if (leads) files::remove(folder / name);
  for (std::size_t rank = 1; rank < blind.size(); ++rank) {
    if (blind[rank].empty()) continue;
    throw Error(folder.string(), ": rank ", rank, ", on ", blind[rank],
                ", does not see there what rank 0 writes; run.dir must be on a file system that all machines share");
  }
}

}  // namespace

void check_agreement(const Config& config, Communicator& peers) {
  if (peers.ranks() == 1) return;
  check_settings(config, peers);
  check_run_folder(config.run.dir, peers);
}

}  // namespace glint::app
