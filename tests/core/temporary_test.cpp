#include "glint/core/temporary.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "glint/core/atomic_file.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

// Runs `work` in a process of its own, which sweeps anew, and kills it where it stands then.
template <class Work>
void run_and_kill(Work&& work) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    work();
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

template <class Work>
void run_apart(Work&& work) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    work();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
}

TEST(TemporaryTest, TwoWritersOfOnePathDoNotMeet) {
  const test::TemporaryFolder folder;
  AtomicFile first(folder / "a.txt"), second(folder / "a.txt");
  first.write("first", 5);
  second.write("second", 6);
  first.commit();
  EXPECT_EQ(read_file(folder / "a.txt"), "first");
  second.commit();
  EXPECT_EQ(read_file(folder / "a.txt"), "second");
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"a.txt"});
}

TEST(TemporaryTest, WhatAKilledWriterLeftGoesWithTheNextOne) {
  const test::TemporaryFolder folder;
  const auto begin_and_die = [&] {
    auto* file = new AtomicFile(folder / "a.txt");
    file->write("half", 4);
    auto* draft = new glint::TemporaryFolder(folder / "checkpoint");
    write_file(draft->path() / "model", "half");
  };
  run_and_kill(begin_and_die);
  EXPECT_EQ(names_in(folder.path()).size(), 2);
  run_apart([&] { write_file(folder / "b.txt", "whole"); });
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"b.txt"});
}

TEST(TemporaryTest, WhatIsBeingWrittenStays) {
  const test::TemporaryFolder folder;
  AtomicFile file(folder / "a.txt");
  file.write("a", 1);
  const glint::TemporaryFolder draft(folder / "checkpoint");
  run_apart([&] { sweep_temporaries(folder.path()); });
  EXPECT_EQ(names_in(folder.path()).size(), 2);
  file.commit();
  EXPECT_EQ(read_file(folder / "a.txt"), "a");
}

TEST(TemporaryTest, FilesOfOtherNamesAreLeftAlone) {
  const test::TemporaryFolder folder;
  for (const char* name :
       {"a.tmp", "a.tmp-1", "b.tmp-0123456g-0123456789abcdef", ".tmp-01234567-0123456789abcdef.txt"}) {
    std::ofstream(folder / name) << "mine";
  }
  sweep_temporaries(folder.path());
  EXPECT_EQ(names_in(folder.path()).size(), 4);
}

TEST(TemporaryTest, ALongNameIsWrittenToo) {
  const test::TemporaryFolder folder;
  const std::string name(255, 'n');
  write_file(folder / name, "text");
  EXPECT_EQ(read_file(folder / name), "text");
}

TEST(TemporaryTest, ALinkUnderTheNameOfATemporaryIsNotFollowed) {
  const test::TemporaryFolder folder;
  write_file(folder / "target", "precious");
  fs::create_symlink(folder / "target", folder / "a.tmp-01234567-0123456789abcdef");
  const test::TemporaryFolder other;
  run_apart([&] { sweep_temporaries(folder.path()); });
  EXPECT_EQ(read_file(folder / "target"), "precious");
}

}  // namespace
}  // namespace glint::test
