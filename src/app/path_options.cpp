#include "app/path_options.h"

#include "glint/core/user_path.h"

namespace glint::app {

void expand_paths(CLI::App& app) {
  for (auto* option : app.get_options()) {
    const bool is_flag = option->get_type_size_max() == 0;
    if (is_flag) continue;
    const auto name = option->get_name();
    option->transform([name](const std::string& value) { return expand_home(value, name); });
  }
  for (auto* command : app.get_subcommands([](const CLI::App*) { return true; })) expand_paths(*command);
}

}  // namespace glint::app
