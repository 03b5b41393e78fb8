#include "train/bad_files.h"

#include <cerrno>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/file_lock.h"
#include "glint/core/files.h"
#include "glint/core/first_few.h"
#include "glint/core/json.h"
#include "glint/core/log.h"
#include "glint/core/stop_signal.h"

namespace glint {

namespace {

// One process at a time adds to the list.
class ListLock {
 public:
  explicit ListLock(const std::filesystem::path& list) : lock_(list.parent_path() / ".bad_files.lock") {
    while (!lock_.try_lock()) {
      if (stop_requested() != 0) throw Stopped(stop_requested());  // who has it may be suspended
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

 private:
  FileLock lock_;
};

}  // namespace

std::vector<BadClip> parse_bad_files(const std::string& text) {
  std::vector<BadClip> clips;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    const auto is_text = [&](const char* key) { return json.contains(key) && json.at(key).is_string(); };
    if (!json.is_object() || !is_text("clip") || !is_text("cause")) continue;
    clips.push_back({json.at("clip").get<std::string>(), json.at("cause").get<std::string>()});
  }
  return clips;
}

std::string bad_files_text(const std::vector<BadClip>& clips) {
  std::string text;
  for (const auto& clip : clips) {
    const nlohmann::ordered_json line = {{"clip", clip.clip}, {"cause", clip.cause}};
    text += json_text(line) + "\n";
  }
  return text;
}

BadFiles::BadFiles(const std::filesystem::path& run_dir) : path_(run_dir / "bad_files.jsonl") {}

std::vector<BadClip> BadFiles::read() const {
  return files::exists(path_) ? parse_bad_files(read_file(path_)) : std::vector<BadClip>();
}

void BadFiles::add(const std::vector<BadClip>& clips) {
  std::vector<BadClip> fresh;
  for (const auto& clip : clips) {
    if (added_.insert(clip.clip).second) fresh.push_back(clip);
  }
  if (fresh.empty()) return;
  const ListLock lock(path_);
  std::set<std::string> listed;
  for (const auto& clip : read()) listed.insert(clip.clip);
  std::erase_if(fresh, [&](const BadClip& clip) {
    return listed.count(parse_bad_files(bad_files_text({clip})).front().clip) != 0;  // as the file spells it
  });
  if (fresh.empty()) return;
  const bool is_new = !files::exists(path_);
  write(fresh);
  warn(fresh);
  if (is_new) log_info(path_.string(), " lists the clips that are left out, each with its cause");
}

void BadFiles::write(const std::vector<BadClip>& clips) {
  auto text = bad_files_text(clips);
  if (files::exists(path_)) {
    const auto before = read_file(path_);
    if (!before.empty() && before.back() != '\n') text.insert(0, "\n");  // cut short
  }
  std::ofstream out(path_, std::ios::app);
  if (!(out << text).flush()) throw_errno(path_.string(), errno);
}

void BadFiles::warn(const std::vector<BadClip>& clips) {
  for (const auto& clip : clips) {
    if (!causes_.insert(clip.cause).second) continue;
    if (causes_.size() <= kFirstFew) log_warning("clip '", clip.clip, "' is left out: ", clip.cause);
    if (causes_.size() == kFirstFew + 1)
      log_warning("more files are bad; ", path_.string(), " lists what is left out, it is not named here");
  }
}

}  // namespace glint
