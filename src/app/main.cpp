#include <iostream>

#include "app/commands.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/core/stop_signal.h"

// Exit codes: 0 done, 1 the user can mend it, 2 our bug, 128 + signal stopped with its state saved.
int main(int argc, char** argv) {
  CLI::App app("Trains, evaluates and exports text-video retrieval models", "glint");
  app.set_version_flag("--version", GLINT_VERSION);
  app.require_subcommand(1);
  glint::app::add_bench_command(app);
  glint::app::add_doctor_command(app);
  glint::app::add_frames_command(app);
  try {
    app.parse(argc, argv);
    return glint::stop_requested() != 0 ? 128 + glint::stop_requested() : 0;
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error, std::cout, std::cerr);
    return code == 0 ? 0 : 1;
  } catch (const glint::Error& error) {
    glint::log_error(error.what());
    return 1;
  } catch (const std::exception& error) {
    glint::log_error("this is a bug of glint's: ", error.what());
    return 2;
  }
}
