#include <csignal>
#include <iostream>
#include <new>
#include <system_error>

#include "app/commands.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/core/stop_signal.h"

// Exit codes: 0 done, 1 the user can mend it, 2 our bug, 128 + signal stopped with its state saved.
int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit then fails the write, whose sentence names the file
  CLI::App app("Trains, evaluates, imports and exports text-video retrieval models.", "glint");
  app.set_version_flag("--version", GLINT_VERSION);
  app.require_subcommand(1);
  glint::app::add_demo_command(app);
  glint::app::add_data_command(app);
  glint::app::add_train_command(app);
  glint::app::add_eval_command(app);
  glint::app::add_compare_command(app);
  glint::app::add_average_command(app);
  glint::app::add_encode_command(app);
  glint::app::add_import_command(app);
  glint::app::add_export_command(app);
  glint::app::add_frames_command(app);
  glint::app::add_bench_command(app);
  glint::app::add_doctor_command(app);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? 0 : 1;
  } catch (const glint::Stopped& stopped) {
    return 128 + stopped.signal();
  } catch (const glint::Error& error) {
    glint::log_error(error.what());
    return 1;
  } catch (const glint::NotNow& error) {
    glint::log_error(error.what());
    return 1;
  } catch (const std::bad_alloc&) {
    glint::log_error("the memory is used up; lower train.batch_size, eval.batch_size or data.workers");
    return 1;
  } catch (const std::system_error& error) {  // a thread that cannot be started, among others
    glint::log_error("the machine refuses: ", error.what(), "; lower data.workers, or raise its limits (ulimit -a)");
    return 1;
  } catch (const std::exception& error) {
    glint::log_error("this is a bug of glint's, please report it: ", error.what());
    return 2;
  }
}
