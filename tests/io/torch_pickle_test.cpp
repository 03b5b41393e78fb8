#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/core/error.h"
#include "glint/core/little_endian.h"
#include "glint/io/torch_file.h"
#include "io/zip_writer.h"
#include "support/environment.h"

// Archives with pickles that PyTorch would not write.

namespace glint::test {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::ThrowsMessage;

std::string text(const std::string& text) {
  return "X" + std::string{static_cast<char>(text.size()), 0, 0, 0} + text;
}
std::string number(int64_t value) {
  return "\x8a\x08" + little_endian(static_cast<uint64_t>(value), 8);
}
std::string tuple(const std::vector<int64_t>& values) {
  std::string bytes = "(";
  for (const auto value : values) bytes += number(value);
  return bytes + "t";
}

struct TensorRecipe {
  std::string storage_class = "FloatStorage", key = "0";
  int64_t count = 4, offset = 0;
  std::vector<int64_t> sizes = {4}, strides = {1};
};
std::string tensor(const TensorRecipe& recipe) {
  return concat("ctorch._utils\n_rebuild_tensor_v2\n((", text("storage"), "ctorch\n", recipe.storage_class, "\n",
                text(recipe.key), text("cpu"), number(recipe.count), "tQ", number(recipe.offset), tuple(recipe.sizes),
                tuple(recipe.strides), "\x89", "ccollections\nOrderedDict\n)RtR");
}
// A dict of one value.
std::string named(const std::string& value, const std::string& name = "w") {
  return concat("\x80\x02}", text(name), value, "s.");
}

class TorchPickleTest : public testing::Test {
 protected:
  TorchFile read(const std::string& pickle, const std::string& folder = "a/", const std::string& order = "little") {
    ZipWriter zip(folder_ / "a.pt");
    zip.add(folder + "data.pkl", pickle);
    zip.add(folder + "byteorder", order);
    zip.add(folder + "data/0", std::string(16, '\0'));
    zip.add(folder + "data/1", std::string(16, '\x02'));
    if (is_script_) zip.add(folder + "constants.pkl", ").");
    zip.finish();
    return read_torch_file(folder_ / "a.pt");
  }
  void expect_refused(const std::string& pickle, const std::string& sentence) {
    EXPECT_THAT([&] { read(pickle); }, ThrowsMessage<Error>(HasSubstr("a.pt: " + sentence)))
        << testing::PrintToString(pickle);
  }
  const TemporaryFolder folder_;
  bool is_script_ = false;
};

TEST_F(TorchPickleTest, WhateverACallWouldRunIsRefusedByNameAndPlace) {
  expect_refused(
      "\x80\x02"
      "cposix\nsystem\n" +
          text("true") + "\x85R.",
      "a/data.pkl: byte 26: the pickle calls posix.system, which is refused");
  expect_refused("cos\nsystem\n(" + text("true") + "tR.",
                 "a/data.pkl: byte 22: the pickle calls os.system, which is refused");
  expect_refused("c__builtin__\neval\n" + text("1") + "\x85R.",
                 "a/data.pkl: byte 25: the pickle calls __builtin__.eval");
  expect_refused(
      "\x80\x04\x8c\x08"
      "builtins\x8c\x04"
      "exec\x93" +
          text("1") + "\x85R.",
      "a/data.pkl: byte 26: the pickle calls builtins.exec");
  expect_refused("(" + text("true") + "ios\nsystem\n.", "a/data.pkl: byte 10: the pickle calls os.system");
  expect_refused("(cos\nsystem\n" + text("true") + "o.", "a/data.pkl: byte 21: the pickle calls os.system");
  expect_refused("csubprocess\nPopen\n)\x81.", "a/data.pkl: byte 19: the pickle calls subprocess.Popen");
  expect_refused("cos\nsystem\n)}\x92.", "a/data.pkl: byte 13: opcode NEWOBJ_EX is refused");
  expect_refused("\x82\x01.", "a/data.pkl: byte 0: opcode EXT1 is refused");
  expect_refused("Pos.system\n.", "a/data.pkl: byte 0: opcode PERSID is refused");
  expect_refused("cmodels.clip\nCLIP\n)\x81}b.",
                 "a/data.pkl: byte 19: the pickle calls models.clip.CLIP, which is refused: "
                 "tensors and plain data are read, as in a model's state_dict()");
  expect_refused("ctorch.storage\n_load_from_bytes\nC\x01.\x85R.",
                 "a/data.pkl: byte 36: the pickle calls torch.storage._load_from_bytes");
  // How the legacy format names the classes of whole models.
  expect_refused("(" + text("module") + "cmodels\nNet\n" + text("source") + "tQ)\x81.",
                 "a/data.pkl: byte 38: the pickle calls models.Net, which is refused");
  // A call's result is no function, and a function's attributes cannot be set.
  expect_refused("ccollections\nOrderedDict\n)R)R.",
                 "a/data.pkl: byte 28: the pickle calls a value of type object, which is refused");
  expect_refused("K\x01)R.", "a/data.pkl: byte 3: the pickle calls a value of type int");
  expect_refused("ccollections\nOrderedDict\n}b.",
                 "a/data.pkl: byte 26: the pickle gives attributes to a value of type object");
  expect_refused("}}b.", "a/data.pkl: byte 2: the pickle gives attributes to a value of type dict");
  expect_refused("cargparse\nNamespace\n)\x81" + text("a") + "Ns.",
                 "a/data.pkl: byte 29: the pickle sets items of argparse.Namespace, which is no dict");
  // The classes of TorchScript are those of its archives alone.
  expect_refused("c__torch__\nM\n)\x81}b.", "a/data.pkl: byte 14: the pickle calls __torch__.M");
  is_script_ = true;
  EXPECT_NO_THROW(read("c__torch__\nM\n)\x81}b."));
  expect_refused("cposix\nsystem\n" + text("true") + "\x85R.", "a/data.pkl: byte 24: the pickle calls posix.system");
}

TEST_F(TorchPickleTest, WhatIsNamedAndNotCalledIsPassedOver) {
  const auto file = read(named("cos\nsystem\n"));
  EXPECT_THAT(file.others, ElementsAre(Pair("w", "os.system")));
  expect_refused(named("cos\nsys tem\n"), "a/data.pkl: byte 9: what should be the name of a class is none");
}

TEST_F(TorchPickleTest, TensorsMustLieInTheirStorages) {
  EXPECT_EQ(read(named(tensor({}))).tensors.at("w").sizes(), (std::vector<int64_t>{4}));
  EXPECT_EQ(read(tensor({}) + ".").tensors.at("").numel(), 4);
  expect_refused(named(tensor({.offset = 1})), "tensor 'w' wants number 4 of a storage of 4");
  expect_refused(named(tensor({.sizes = {2}, .strides = {4}})), "tensor 'w' wants number 4 of a storage of 4");
  expect_refused(named(tensor({.offset = -1})), "tensor 'w' has an offset that is no count");
  expect_refused(named(tensor({.sizes = {-4}})), "tensor 'w' has sizes or strides that are no counts");
  expect_refused(named(tensor({.strides = {-1}})), "tensor 'w' has sizes or strides that are no counts");
  expect_refused(named(tensor({.sizes = {2, 2}})), "tensor 'w' has another number of strides than of sizes");
  expect_refused(named(tensor({.sizes = std::vector<int64_t>(65, 1), .strides = {1}})),
                 "tensor 'w' has no sizes or strides");
  expect_refused(named(tensor({.offset = INT64_MAX, .sizes = {2}})), "tensor 'w' has an impossible shape");
  expect_refused(named(tensor({
                     .sizes = {2},
                     .strides = {INT64_MAX},
                 })),
                 "tensor 'w' wants number 9223372036854775807");
  expect_refused(named(tensor({.sizes = {3}, .strides = {INT64_MAX}})), "tensor 'w' has an impossible shape");
  expect_refused(named(tensor({.sizes = {INT64_MAX, INT64_MAX}, .strides = {0, 0}})),
                 "tensor 'w' has an impossible shape");
  expect_refused(named(tensor({.sizes = {0, INT64_MAX, INT64_MAX}, .strides = {0, 0, 0}})),
                 "tensor 'w' has an impossible shape");
  expect_refused(named(tensor({.sizes = {int64_t{1} << 40}, .strides = {0}})),
                 "tensor 'w' repeats the numbers of its storage");
}

TEST_F(TorchPickleTest, StoragesMustBeAsTheirTensorsSay) {
  expect_refused(named(tensor({.key = "7"})), "lacks storage 7 (a/data/7)");
  expect_refused(named(tensor({.key = "../0"})), "lacks storage ../0");
  expect_refused(named(tensor({.count = 5})), "storage 0 has 16 bytes, and its 5 numbers need 20");
  expect_refused(named(tensor({.count = 3, .sizes = {3}})), "storage 0 has 16 bytes, and its 3 numbers need 12");
  expect_refused(named(tensor({.count = INT64_MAX})), "storage 0 has an impossible size");
  expect_refused(named(tensor({.count = -1})), "storage 0 has an impossible size");
  expect_refused(named(tensor({.storage_class = "DoubleStorage"})),
                 "storage 0 has 16 bytes, and its 4 numbers need 32");
  expect_refused(named(tensor({.storage_class = "QInt8Storage"})),
                 "holds numbers of type torch.QInt8Storage, which are not read");
  expect_refused(named(tensor({}) + "s" + text("v") + tensor({.storage_class = "IntStorage"})),
                 "storage 0 is described in two ways");
  expect_refused(named(tensor({.storage_class = "BoolStorage", .key = "1", .count = 16, .sizes = {16}})), "byte");
  expect_refused(named("ctorch._utils\n_rebuild_tensor_v2\n)R"), "tensor 'w' names no storage");
  expect_refused(named("ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x01K\x01K\x01tR"), "tensor 'w' names no storage");
  expect_refused(named("ctorch._utils\n_rebuild_parameter\n)R"), "tensor 'w' is a parameter without a plain tensor");
  const auto odd_storage = [](const std::string& id) {
    return named(concat("ctorch._utils\n_rebuild_tensor_v2\n(", id, "QK\x00K\x04\x85K\x01\x85tR"s));
  };
  expect_refused(odd_storage("N"), "holds something outside its pickle that is no storage");
  expect_refused(odd_storage(concat("(", text("module"), "t")),
                 "holds something outside its pickle that is no storage");
  expect_refused(odd_storage(concat("(", text("storage"), text("FloatStorage"), "t")),
                 "describes a storage in a way that PyTorch does not");
}

TEST_F(TorchPickleTest, NamesStandOnceAndSayThePath) {
  expect_refused(concat("}(", text("w"), tensor({}), text("w"), tensor({}), "u."), "holds two values of the name 'w'");
  expect_refused(concat("}(", text("a/b"), tensor({}), text("a"), "}", text("b"), "K\x01su."),
                 "holds two values of the name 'a/b'");
  const auto file = read(concat("](}", text("a"), "K\x05s}K\x07", tensor({}), "se."));
  EXPECT_EQ(std::get<int64_t>(file.scalars.at("0/a")), 5);
  EXPECT_TRUE(file.tensors.contains("1/7"));
}

TEST_F(TorchPickleTest, BombsAreRefused) {
  std::string doubled = "]";  // a list of two of the list before it, 40 times
  for (int i = 0; i < 40; ++i) doubled += "2\x86";
  expect_refused(doubled + ".", "a/data.pkl: its values share parts so often");
  // Short values under long names, shared: their names alone would fill the memory.
  std::string named_doubles = "K\x01";
  for (int i = 0; i < 20; ++i)
    named_doubles += concat("p1\n0}(", text(std::string(100, 'a')), "g1\n", text(std::string(100, 'b')), "g1\nu");
  expect_refused(named_doubles + ".", "has more or longer names than any weights");
  std::string nested = "ccollections\nOrderedDict\n)Rp1\n0N";
  for (int i = 0; i < 100; ++i) nested += "p2\n0ccollections\nOrderedDict\n)R" + text("a") + "g2\ns";
  expect_refused(nested + ".", "a/data.pkl: its values nest more than 64 deep");
  expect_refused("ccollections\nOrderedDict\n)Rp1\ng1\nb.",
                 "a/data.pkl: its values nest more than 64 deep, or one contains itself");
}

TEST_F(TorchPickleTest, BigEndianFilesAndOtherArchivesAreRefused) {
  EXPECT_THAT([&] { read(named("N"), "a/", "big"); },
              ThrowsMessage<Error>(HasSubstr("a.pt: was written on a big-endian machine")));
  EXPECT_THAT([&] { read(named("N"), "a/", "x"); },
              ThrowsMessage<Error>(HasSubstr("a.pt: has a byteorder that is neither")));
  EXPECT_THAT([&] { read(named("N"), "a/b/"); },
              ThrowsMessage<Error>(HasSubstr("is a zip archive without a data.pkl")));
  EXPECT_THAT(read(named(tensor({})), "").tensors, testing::SizeIs(1));
  expect_refused(named("N") + "N.", "a/data.pkl: byte 12: bytes follow the end of the pickle");
}

}  // namespace
}  // namespace glint::test
