#include "glint/train/run_checkpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/random.h"
#include "support/environment.h"
#include "train/snapshot.h"

namespace glint {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Sizes on both sides of the pieces that are read and copied at a time.
TrainTensors tensors_of(double value) {
  TrainTensors all;
  for (const int64_t size : {1, 1000, (1 << 20) - 1, (1 << 20) + 1, 5 << 19}) {
    const auto name = "w" + std::to_string(size);
    all.model[name] = torch::full({size}, value);
    all.optimizer[name + ".m"] = torch::full({size}, value + 0.25);
    all.average[name] = torch::full({size}, value + 0.5);
  }
  return all;
}

void change(const TrainTensors& all) {
  for (const auto* map : {&all.model, &all.optimizer, &all.average}) {
    for (const auto& [name, tensor] : *map) tensor.detach().add_(1);
  }
}

void expect_same_tensors(const TensorMap& got, const TensorMap& want) {
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, tensor] : want) EXPECT_TRUE(torch::equal(got.at(name), tensor)) << name;
}

std::shared_ptr<const Tokenizer> tokenizer() {
  std::vector<std::string> captions;
  for (int i = 0; i < 200; ++i) captions.push_back("a red square moves left over the ground " + std::to_string(i));
  return train_sentencepiece(captions, 60);
}

class RunCheckpointsTest : public testing::Test {
 protected:
  Config config() const {
    Config config;
    config.run.dir = (folder_ / "run").string();
    config.train.keep = 100;
    return config;
  }
  TemporaryFolder folder_;
};

TEST_F(RunCheckpointsTest, ACheckpointHoldsTheValuesOfItsMomentWhateverTheTrainingDoesMeanwhile) {
  constexpr int64_t kSteps = 6;
  Random random({7});
  const auto all = tensors_of(0);
  {
    RunCheckpoints checkpoints(config(), tokenizer());
    for (int64_t step = 0; step < kSteps; ++step) {
      TrainState state;
      state.step = step;
      checkpoints.save(all, state);
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(20'000)));  // somewhere in the writing
      checkpoints.before_change();
      change(all);
    }
  }
  for (const auto& folder : list_checkpoints(folder_ / "run")) {
    const auto checkpoint = load_checkpoint(folder);
    const auto want = tensors_of(static_cast<double>(checkpoint.state.step));
    expect_same_tensors(checkpoint.model, want.model);
    expect_same_tensors(load_optimizer_state(checkpoint), want.optimizer);
    expect_same_tensors(load_average(checkpoint), want.average);
  }
  EXPECT_EQ(std::ssize(list_checkpoints(folder_ / "run")), kSteps);
}

TEST_F(RunCheckpointsTest, WhatIsNotWrittenWhenItChangesIsWrittenAsItWas) {
  const auto all = tensors_of(0);
  Snapshot::Copies copies;
  Snapshot snapshot(all, copies);
  AtomicFile file(folder_ / "file");
  snapshot.write(snapshot.tensors().model.at("w1000"), file);
  snapshot.detach();
  change(all);
  snapshot.detach();  // before the next change: nothing is left to copy
  change(all);
  snapshot.write(snapshot.tensors().model.at("w1048577"), file);
  file.commit();
  EXPECT_EQ(read_file(folder_ / "file"), std::string((1000 + 1048577) * sizeof(float), '\0'));
}

TEST_F(RunCheckpointsTest, AChangeWithoutWordOfItIsABug) {
  const auto all = tensors_of(0);
  Snapshot::Copies copies;
  Snapshot snapshot(all, copies);
  change(all);
  AtomicFile file(folder_ / "file");
  EXPECT_THAT([&] { snapshot.write(snapshot.tensors().model.at("w1000"), file); },
              ThrowsMessage<Bug>(HasSubstr("changed while it was saved")));
}

TEST_F(RunCheckpointsTest, ACheckpointThatCannotBeWrittenIsToldAtTheNextChangeAndTheTrainingsTensorsAreLetGo) {
  const auto all = tensors_of(0);
  RunCheckpoints checkpoints(config(), tokenizer());
  fs::remove_all(folder_ / "run");
  write_file(folder_ / "run", "a file in the folder's place");
  checkpoints.save(all, {});
  EXPECT_THROW(checkpoints.wait(), Error);
  checkpoints.before_change();
  EXPECT_EQ(all.model.at("w1000").use_count(), 1);
}

TEST_F(RunCheckpointsTest, AnEarlierVersionsCountOfValidatedEpochsIsUnderstood) {
  TrainState state;
  state.step = 15;
  state.position = {.epoch = 2, .batch = 3};  // epochs of 6 steps
  const auto folder = folder_ / "run/checkpoints/step_000015";
  save_checkpoint(folder, config(), *tokenizer(), tensors_of(0), state);
  const auto with_epochs = [&](int64_t epochs) {
    auto json = nlohmann::json::parse(read_file(folder / "state.json"));
    json.erase("validated_step");
    json["validated_epochs"] = epochs;
    write_file(folder / "state.json", json.dump());
    return load_checkpoint(folder).state.validated_step;
  };
  EXPECT_EQ(with_epochs(2), 12);
  EXPECT_LT(with_epochs(1), 12);  // the validation after the epoch's end is still to come
}

TEST_F(RunCheckpointsTest, AFolderThatTakesNoFilesIsKnownBeforeTheTraining) {
  write_file(folder_ / "run/checkpoints", "a file in the folder's place");
  EXPECT_THAT([&] { RunCheckpoints(config(), tokenizer()); }, ThrowsMessage<Error>(HasSubstr("run/checkpoints: ")));
}

TEST_F(RunCheckpointsTest, ADraftThatAKilledWriterLeftIsNoCheckpoint) {
  const auto checkpoints = folder_ / "run" / "checkpoints";
  for (const auto* name : {"step_000002", "step_000004.tmp-0123abcd-0123456789abcdef", "step_", "step_000006_old"}) {
    fs::create_directories(checkpoints / name);
    write_file(checkpoints / name / "state.json", "{}");
  }
  EXPECT_THAT(list_checkpoints(folder_ / "run"), testing::ElementsAre(checkpoints / "step_000002"));
}

TEST_F(RunCheckpointsTest, TheNewestCheckpointIsThatOfTheLargestStepWhateverTheirFilesTimes) {
  for (const auto* name : {"step_000900", "step_999999", "step_1000000", "step_000020"}) {
    write_file(folder_ / "run/checkpoints" / name / "state.json", "{}");
  }
  std::vector<std::string> names;
  for (const auto& folder : list_checkpoints(folder_ / "run")) names.push_back(folder.filename().string());
  EXPECT_THAT(names, testing::ElementsAre("step_1000000", "step_999999", "step_000900", "step_000020"));
}

}  // namespace
}  // namespace glint
