#pragma once

namespace glint {

// While one lives, modules that this thread builds leave their large parameters unset, for weights that come at once: a
// random start of 150 million takes longer than reading them.
class WithoutStart {
 public:
  WithoutStart();
  ~WithoutStart();
  WithoutStart(const WithoutStart&) = delete;
  WithoutStart& operator=(const WithoutStart&) = delete;

 private:
  bool before_;
};

// Do parameters start? False while a WithoutStart lives.
bool parameters_start();

}  // namespace glint
