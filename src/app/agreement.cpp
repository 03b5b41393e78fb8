#include "app/agreement.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>

#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/machine_name.h"

namespace glint::app {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// A network's file system may show a new file a little later elsewhere.
constexpr std::chrono::milliseconds kFileDelay(5000), kPoll(50);

constexpr std::array kMachinesOwn = {
    "/run/dir",       "/run/device",    "/data/root",      "/data/annotations", "/data/videos",
    "/data/cache",    "/data/cache_mb", "/data/workers",   "/data/prefetch",    "/text/vocabulary",
    "/train/threads", "/model/weights", "/dist/processes",
};

// "/section/key" -> value.
json common_settings(const Config& config) {
  auto settings = json::parse(config_json(config)).flatten();
  for (const char* key : kMachinesOwn) settings.erase(key);
  settings["/glint's version"] = GLINT_VERSION;
  return settings;
}

// "/optim/lr" as the user writes it: "optim.lr".
std::string dotted(std::string path) {
  std::replace(path.begin(), path.end(), '/', '.');
  return path.substr(1);
}

std::string value_at(const json& settings, const std::string& key) {
  return settings.contains(key) ? settings.at(key).dump() : "not set";
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
  const auto all = peers.all_gather(own.dump(-1, ' ', false, json::error_handler_t::replace));
  const auto first = json::parse(all.front());
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all.front()) continue;
    const auto other = json::parse(all[rank]);
    const auto key = first_difference(first.at("settings"), other.at("settings"));
    if (key.empty()) continue;
    const auto said = [&](const json& word) { return dotted(key) + " " + value_at(word.at("settings"), key); };
    throw Error("rank ", rank, ", on ", other.at("machine").get<std::string>(), ", was started with ", said(other),
                ", rank 0, on ", first.at("machine").get<std::string>(), ", with ", said(first),
                ": start all with the same settings and the same glint");
  }
}

bool appears(const fs::path& path) {
  const auto end = std::chrono::steady_clock::now() + kFileDelay;
  std::error_code ignored;
  while (!fs::exists(path, ignored)) {
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
  if (leads) fs::remove(folder / name);
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
