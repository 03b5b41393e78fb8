#pragma once

#include <CLI/CLI.hpp>

namespace glint::app {

// One function a command, each in its own file: adds the subcommand with its options; what it returns from main is set
// by its callback throwing or not (main.cpp).
void add_bench_command(CLI::App& app);
void add_doctor_command(CLI::App& app);
void add_frames_command(CLI::App& app);

}  // namespace glint::app
