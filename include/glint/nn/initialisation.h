#pragma once

namespace glint {

// While one lives, modules that this thread builds leave their large parameters unset, for weights that come at once: a
// random start of 150 million takes longer than reading them.
class WithoutInitialisation {
 public:
  WithoutInitialisation();
  ~WithoutInitialisation();
  WithoutInitialisation(const WithoutInitialisation&) = delete;
  WithoutInitialisation& operator=(const WithoutInitialisation&) = delete;

 private:
  bool before_;
};

// Do parameters start? False while a WithoutInitialisation lives.
bool initialises_parameters();

}  // namespace glint
