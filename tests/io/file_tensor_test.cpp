#include "glint/io/file_tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>

#include "glint/core/error.h"
#include "glint/io/safetensors.h"
#include "support/environment.h"
#include "support/python.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class FileTensorTest : public testing::Test {
 protected:
  // A .npy file of that header and data.
  std::filesystem::path npy(const std::string& header, const std::string& data, char version = 1) {
    const auto path = folder_ / "x.npy";
    std::string bytes = "\x93NUMPY";
    bytes += {version, 0};
    const auto size = header.size();
    bytes += static_cast<char>(size & 0xFF);
    bytes += static_cast<char>(size >> 8);
    if (version > 1) bytes += std::string(2, '\0');
    std::ofstream(path, std::ios::binary) << bytes << header << data;
    return path;
  }
  void expect_refused(const std::filesystem::path& path, const std::string& sentence) {
    EXPECT_THAT([&] { open_npy(path); }, ThrowsMessage<Error>(AllOf(HasSubstr("x.npy"), HasSubstr(sentence))));
  }
  static constexpr auto kHeader = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
  TemporaryFolder folder_;
};

TEST_F(FileTensorTest, RowsAndColumnsAreThoseOfTheTensor) {
  const auto whole = torch::rand({7, 5});
  write_safetensors(folder_ / "x.safetensors", {{"a", torch::arange(3)}, {"scores", whole}});
  const auto file = open_safetensors(folder_ / "x.safetensors").tensors.at("scores");
  EXPECT_EQ(file.sizes(), (std::vector<int64_t>{7, 5}));
  EXPECT_TRUE(torch::equal(file.all(), whole));
  EXPECT_TRUE(torch::equal(file.rows(2, 3), whole.narrow(0, 2, 3)));
  EXPECT_EQ(file.rows(7, 0).size(0), 0);
  EXPECT_TRUE(torch::equal(file.columns(1, 3), whole.narrow(1, 1, 3)));
  EXPECT_THROW(file.rows(5, 3), Bug);
}

TEST_F(FileTensorTest, APartWrittenAtATimeIsTheWholeFile) {
  const auto whole = torch::rand({7, 5});
  {
    SafetensorsWriter writer(folder_ / "x.safetensors", {{"scores", torch::empty({1, 1}).expand({7, 5})}},
                             {{"k", "v"}});
    writer.write(whole.narrow(0, 0, 4));
    EXPECT_THROW(writer.commit(), Bug);
    writer.write(whole.narrow(0, 4, 3));
    EXPECT_THROW(writer.write(whole), Bug);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "x.safetensors"));
    writer.commit();
  }
  const auto file = read_safetensors(folder_ / "x.safetensors");
  EXPECT_EQ(file.metadata.at("k"), "v");
  EXPECT_TRUE(torch::equal(file.tensors.at("scores"), whole));
}

TEST_F(FileTensorTest, NumPysFilesAreRead) {
  if (!python_reads_safetensors()) GTEST_SKIP() << kNoPython;
  ASSERT_TRUE(
      run_python("import sys, numpy as np\n"
                 "x = np.arange(12).reshape(3, 4)\n"
                 "for t in ('<f2', '<f4', '<f8', '<i8', '<i4', '<i2', '|i1', '|u1'):\n"
                 "    np.save(sys.argv[1] + '/' + t[1:] + '.npy', x.astype(t))\n"
                 "np.save(sys.argv[1] + '/one.npy', np.ones(5, dtype='<f4'))\n"
                 "np.save(sys.argv[1] + '/fortran.npy', np.asfortranarray(x.astype('<f4')))\n"
                 "np.save(sys.argv[1] + '/big.npy', x.astype('>f4'))\n",
                 (folder_ / "").string()));
  for (const std::string type : {"f2", "f4", "f8", "i8", "i4", "i2", "i1", "u1"}) {
    const auto values = open_npy(folder_ / (type + ".npy")).all();
    EXPECT_TRUE(torch::equal(values.to(torch::kInt64), torch::arange(12).view({3, 4}))) << type;
  }
  EXPECT_EQ(open_npy(folder_ / "one.npy").sizes(), std::vector<int64_t>{5});
  EXPECT_THAT([&] { open_npy(folder_ / "fortran.npy"); }, ThrowsMessage<Error>(HasSubstr("is in Fortran order")));
  EXPECT_THAT([&] { open_npy(folder_ / "big.npy"); }, ThrowsMessage<Error>(HasSubstr("of the type '>f4'")));
}

TEST_F(FileTensorTest, WhatIsNoNumPyFileIsRefusedByName) {
  EXPECT_EQ(open_npy(npy(kHeader, std::string(24, '\0'))).sizes(), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(open_npy(npy(kHeader, std::string(24, '\0'), 3)).sizes(), (std::vector<int64_t>{2, 3}));
  std::ofstream(folder_ / "x.npy") << "\1\2 something else";
  expect_refused(folder_ / "x.npy", "is not a NumPy file");
  std::ofstream(folder_ / "x.npy") << "PK\3\4 something else";
  expect_refused(folder_ / "x.npy", "is a zip archive");
  expect_refused(npy(kHeader, std::string(23, '\0')), "is cut short: its values take 24 bytes, and it has 23");
  expect_refused(npy(kHeader, "", 9), "unknown version 9");
  expect_refused(npy("{'descr': '<f4', 'shape': (2, 3)", ""), "no '}'");
  expect_refused(npy("{'descr': [('a', '<f4')], 'shape': (2,)}", ""), "a table of fields?");
  expect_refused(npy("{'descr': '<c8', 'fortran_order': False, 'shape': (2,)}", ""), "of the type '<c8'");
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3)}", ""), "not made of counts");
  expect_refused(npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", ""), "neither True nor False");
  expect_refused(npy("{'descr': '<f4'}", ""), "lacks 'descr' or 'shape'");
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9)}", ""),
                 "its shape is impossible");
  expect_refused(npy("{'more': 1}", ""), "unknown key 'more'");
}

}  // namespace
}  // namespace glint::test
