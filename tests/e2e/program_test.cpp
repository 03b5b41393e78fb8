#include "e2e/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Runs another program than glint while it lives.
class OtherProgram {
 public:
  explicit OtherProgram(const char* file) {
    if (const char* was = std::getenv("GLINT_PROGRAM")) before_ = was;
    setenv("GLINT_PROGRAM", file, /*overwrite=*/1);
  }
  ~OtherProgram() { before_.empty() ? unsetenv("GLINT_PROGRAM") : setenv("GLINT_PROGRAM", before_.c_str(), 1); }

 private:
  std::string before_;
};

TEST(ProgramTest, HelpGoesToStdoutAndAWrongCommandIsTheUsersToMend) {
  const auto help = run_program({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("glint"));
  EXPECT_THAT(help.err, IsEmpty());

  const auto wrong = run_program({"no-such-command"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.out, IsEmpty());
  EXPECT_THAT(wrong.err, Not(IsEmpty()));
}

TEST(ProgramTest, ACommandThatIsNotThereIsNamedWithTheNearest) {
  const auto says = [](const std::vector<std::string>& words) {
    const auto result = run_program(words);
    EXPECT_EQ(result.exit_code, 1);
    return result.err;
  };
  EXPECT_EQ(says({"trian"}), "error: glint: there is no command 'trian'; did you mean train?\n");
  EXPECT_EQ(says({"data", "stat", "x.yaml"}), "error: glint data: there is no command 'stat'; did you mean stats?\n");
  EXPECT_THAT(says({}), HasSubstr("error: glint: which command? There are demo, data, frames, train, "));
  EXPECT_THAT(says({"weather forecast"}), HasSubstr("there is no command 'weather forecast'; there are demo, "));
  EXPECT_THAT(says({"frames"}), HasSubstr("error: glint frames: VIDEO is required; glint frames --help tells more"));
}

TEST(ProgramTest, HelpGroupsTheCommands) {
  const auto help = run_program({"--help"}).out;
  std::size_t at = 0;
  for (const std::string heading :
       {"Data:\n  demo", "Train:\n  train", "Evaluate:\n  eval", "Weights:\n  import", "Inspect:\n  bench"}) {
    EXPECT_THAT(help.substr(at), HasSubstr("\n" + heading));
    at = help.find(heading);
  }
  EXPECT_THAT(help, Not(HasSubstr("Subcommands:")));
}

TEST(ProgramTest, HelpShowsWhatACommandRequiresAndAnExample) {
  for (const std::string command : {"demo", "frames", "train", "average", "eval", "compare", "encode", "import",
                                    "export", "doctor", "data", "bench"}) {
    EXPECT_THAT(run_program({command, "--help"}).out, HasSubstr("\nExample: glint " + command));
  }
  EXPECT_THAT(run_program({"train", "--help"}).out, HasSubstr("Usage: glint train [OPTIONS] CONFIG|RUN "));
  EXPECT_THAT(run_program({"eval", "--help"}).out, HasSubstr("Usage: glint eval [OPTIONS] RUN|CHECKPOINT|CONFIG "));
  EXPECT_THAT(run_program({"import", "--help"}).out, HasSubstr("Usage: glint import [OPTIONS] WEIGHTS OUT\n"));
}

TEST(ProgramTest, OutputsExitCodeFolderAndEnvironmentArePassedOn) {
  const OtherProgram shell("/bin/sh");
  const auto result =
      run_program({"-c", "pwd; echo \"$COLOUR\" >&2; exit 3"}, {.folder = "/", .environment = {"COLOUR=red"}});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.out, "/\n");
  EXPECT_EQ(result.err, "red\n");
  EXPECT_FALSE(result.timed_out);
}

TEST(ProgramTest, ItsTimeOverTheProgramAndItsChildrenAreKilled) {
  const OtherProgram shell("/bin/sh");
  const auto result = run_program({"-c", "echo early; sleep 100 & sleep 100"}, {.timeout_s = 0.3});
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.exit_code, 128 + SIGKILL);
  EXPECT_EQ(result.out, "early\n");
}

TEST(ProgramTest, ASignalReachesTheRunningProgram) {
  const OtherProgram shell("/bin/sh");
  Program program({"-c", "echo ready; sleep 100"});
  while (program.running() && program.out().empty()) {
  }
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 128 + SIGTERM);
}

TEST(ProgramTest, AProgramThatIsNotThereIsNamed) {
  const OtherProgram missing("/no/such/glint");
  EXPECT_THROW(run_program({}), Error);
}

}  // namespace
}  // namespace glint::test
