#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/machine.h"
#include "glint/core/json.h"

namespace glint::app {

namespace {

void print_lines(const std::vector<Finding>& findings) {
  for (const auto& finding : findings) {
    std::cout << std::left << std::setw(9) << (finding.ok ? "ok" : "missing") << std::setw(17) << finding.name
              << finding.found << (finding.ok ? "" : "; " + finding.advice) << "\n";
  }
}

void print_json(const std::vector<Finding>& findings) {
  auto checks = nlohmann::json::array();
  for (const auto& finding : findings) {
    checks.push_back({{"name", finding.name}, {"ok", finding.ok}, {"found", finding.found}});
    if (!finding.ok) checks.back()["advice"] = finding.advice;
  }
  const nlohmann::json result = {{"version", GLINT_VERSION}, {"checks", checks}};
  using nlohmann::json;
  std::cout << json_text(result, 2) << "\n";
}

}  // namespace

void add_doctor_command(CLI::App& app) {
  auto* command = app.add_subcommand("doctor", "Check what this machine has for glint and what is missing");
  command->footer("Example: glint doctor --json");
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "Print a JSON object instead of text");
  command->callback([as_json] {
    const auto findings = examine_machine();
    *as_json ? print_json(findings) : print_lines(findings);
  });
}

}  // namespace glint::app
