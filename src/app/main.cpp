#include <algorithm>
#include <csignal>
#include <functional>
#include <initializer_list>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.h"
#include "app/path_options.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/core/nearest.h"
#include "glint/core/shortage.h"
#include "glint/core/standard_streams.h"
#include "glint/core/stop_signal.h"
#include "glint/core/utf8.h"

namespace {

// Commands under one heading of `glint --help`, in their order.
void add_group(CLI::App& app, const char* heading, std::initializer_list<void (*)(CLI::App&)> commands) {
  for (const auto add : commands) {
    add(app);
    app.get_subcommands([](CLI::App*) { return true; }).back()->group(heading);
  }
}

void add_commands(CLI::App& app) {
  using namespace glint::app;
  app.set_version_flag("--version", GLINT_VERSION, "Print the version and exit");
  app.require_subcommand(1);
  add_group(app, "Data", {add_demo_command, add_data_command, add_frames_command});
  add_group(app, "Train", {add_train_command, add_average_command});
  add_group(app, "Evaluate",
            {add_eval_command, add_compare_command, add_report_command, add_study_command, add_encode_command});
  add_group(app, "Weights", {add_import_command, add_export_command});
  add_group(app, "Inspect", {add_bench_command, add_doctor_command});
  app.footer(
      "Example: glint demo demo_data && glint train configs/demo.yaml data.root=demo_data\n"
      "glint COMMAND --help tells about one command, glint train --settings about every setting.");
  expand_paths(app);
}

// "--train.batch_size=8": a setting, written as an option.
std::string hint_for(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto name = word.substr(0, word.find('='));
    if (!name.starts_with("--") || name.find('.') == std::string_view::npos) continue;
    const bool has_value = name.size() < word.size();
    return glint::concat("; settings stand without --: ", word.substr(2),
                         has_value      ? ""
                         : i + 1 < argc ? glint::concat("=", argv[i + 1])
                                        : "=VALUE");
  }
  return "";
}

// What is wrong with the words of a call that CLI11 refuses as `problem`.
std::string usage_sentence(const CLI::App& app, int argc, char** argv, const std::string& problem) {
  const CLI::App* at = &app;
  std::string called = "glint";
  for (int i = 1; at->get_require_subcommand_min() > 0; ++i) {
    const auto commands = at->get_subcommands([](const CLI::App*) { return true; });
    std::vector<std::string> names;
    std::string all;
    for (const auto* command : commands) {
      names.push_back(command->get_name());
      all += (all.empty() ? "" : ", ") + names.back();
    }
    if (i == argc || argv[i][0] == '-') return glint::concat(called, ": which command? There are ", all);
    const std::string word = argv[i];
    const auto found = std::find(names.begin(), names.end(), word);
    if (found == names.end()) {
      const auto meant = glint::nearest(word, names);
      return glint::concat(called, ": there is no command '", glint::valid_utf8(word),
                           meant.empty() ? "'; there are " + all : "'; did you mean " + meant + "?");
    }
    at = commands[static_cast<std::size_t>(found - names.begin())];
    called += " " + word;
  }
  return glint::concat(called, ": ", problem, hint_for(argc, argv), "; ", called, " --help tells more");
}

int parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, std::cout, std::cerr);  // --help, --version
    glint::log_error(usage_sentence(app, argc, argv, error.what()));
    return 1;
  }
}

// The work's exit code, or that of what ended it.
int code_of(const std::function<int()>& work) {
  try {
    return work();
  } catch (const glint::Stopped& stopped) {
    return 128 + stopped.signal();
  } catch (const glint::Error& error) {
    glint::log_error(error.what());
    return 1;
  } catch (const glint::NotNow& error) {
    glint::log_error(error.what());
    return 1;
  } catch (const std::exception& error) {
    if (const auto sentence = glint::shortage(error)) {
      glint::log_error(*sentence);
      return 1;
    }
    glint::log_error("this is a bug of glint's, please report it: ", error.what());
    return 2;
  }
}

}  // namespace

// Exit codes: 0 done, 1 the user can mend it, 2 our bug, 128 + signal stopped with its state saved.
int main(int argc, char** argv) {
  glint::set_up_standard_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit then fails the write, whose sentence names the file
  CLI::App app("Train, evaluate, compare and export text-video retrieval models.", "glint");
  add_commands(app);
  const int code = code_of([&] { return parse(app, argc, argv); });
  const int output_code = code_of([] {
    glint::flush_output();
    return 0;
  });
  return code != 0 ? code : output_code;
}
