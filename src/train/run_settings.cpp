#include "train/run_settings.h"

#include <map>
#include <string>

#include "glint/config/config_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/weights/checkpoint.h"

namespace glint {

namespace fs = std::filesystem;

void check_run_settings(const fs::path& run_dir, const Config& config) {
  const auto path = run_dir / "config.yaml";
  if (!files::exists(path) || list_checkpoints(run_dir).empty()) return;
  std::map<std::string, std::string> theirs;
  for (const auto& setting : list_settings(read_config(path, {}))) theirs[setting.key] = setting.value;
  std::string differences;
  for (const auto& setting : list_settings(config)) {
    if (setting.rule.on_resume != OnResume::kSame) continue;
    const auto was = theirs.find(setting.key);
    const auto value = was == theirs.end() ? std::string("not set") : was->second;
    if (value == setting.value) continue;
    differences +=
        concat(differences.empty() ? "" : ", ", setting.key, " is ", value, " there and ", setting.value, " now");
  }
  if (differences.empty()) return;
  throw Error(run_dir.string(), ": holds a run with other settings (", differences,
              "); choose another run.dir, or delete the folder to start anew");
}

}  // namespace glint
