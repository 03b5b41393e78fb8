#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>

namespace glint::app {

// Help whose usage lines are written by hand, for commands that need an argument in one form and not in another.
class Usage : public CLI::Formatter {
 public:
  // `usage` begins with the program's name.
  explicit Usage(std::string usage) : usage_(std::move(usage)) {}

  std::string make_usage(const CLI::App*, std::string) const override { return "Usage: " + usage_ + "\n"; }

 private:
  std::string usage_;
};

}  // namespace glint::app
