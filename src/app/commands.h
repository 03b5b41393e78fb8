#pragma once

#include <CLI/CLI.hpp>

namespace glint::app {

// One function a command, each in its own file <name>_command.cpp: adds the subcommand with its options and a callback
// that does the work. The callback throws Error for what the user can mend.
void add_average_command(CLI::App& app);
void add_bench_command(CLI::App& app);
void add_compare_command(CLI::App& app);
void add_study_command(CLI::App& app);
void add_data_command(CLI::App& app);
void add_demo_command(CLI::App& app);
void add_doctor_command(CLI::App& app);
void add_encode_command(CLI::App& app);
void add_eval_command(CLI::App& app);
void add_export_command(CLI::App& app);
void add_frames_command(CLI::App& app);
void add_import_command(CLI::App& app);
void add_report_command(CLI::App& app);
void add_train_command(CLI::App& app);

}  // namespace glint::app
