#pragma once

#include <torch/types.h>

#include "glint/io/safetensors.h"
#include "glint/optim/optimizer.h"

namespace glint {

// The exponential moving average of the parameters over the steps, kept beside them in float32:
// average <- decay average + (1 - decay) parameter. Early on the decay is smaller, (1 + step) / (10 + step), so that
// the start is soon forgotten (as TensorFlow's ExponentialMovingAverage has it).
class MovingAverage {
 public:
  MovingAverage(NamedParameters parameters, double decay);  // starts as the parameters are

  void update(int64_t step);  // after optimizer step number `step`, from 1 on

  const TensorMap& state() const { return average_; }  // under the parameters' names; the next update() changes it
  // Copies it in. Throws one Error that names what is missing, spare or misshapen; then nothing has changed.
  void load(const TensorMap& state);

  // While it lives, the parameters hold the average; then they are again what they were.
  class InPlace {
   public:
    explicit InPlace(MovingAverage& average) : average_(average) { average_.exchange(); }
    ~InPlace() { average_.exchange(); }
    InPlace(const InPlace&) = delete;
    InPlace& operator=(const InPlace&) = delete;

   private:
    MovingAverage& average_;
  };

 private:
  void exchange();

  NamedParameters parameters_;
  double decay_;
  TensorMap average_;
  torch::Tensor room_;  // for the largest on its way: where there is none, that shows before anything is exchanged
};

}  // namespace glint
