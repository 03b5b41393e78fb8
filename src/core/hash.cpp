#include "glint/core/hash.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <array>
#include <iomanip>
#include <memory>
#include <sstream>
#include <vector>

#include "glint/core/error.h"
#include "glint/core/files.h"

namespace glint {
namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    GLINT_CHECK(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1, "sha256 is not available");
  }
  void add(const void* data, std::size_t size) {
    GLINT_CHECK(EVP_DigestUpdate(context_.get(), data, size) == 1, "sha256 failed");
  }
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned int size = 0;
    GLINT_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1, "sha256 failed");
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
      text += "0123456789abcdef"[digest[i] >> 4];
      text += "0123456789abcdef"[digest[i] & 15];
    }
    return text;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes.data(), bytes.size());
  return hash.finish();
}

std::string sha256_of_file(const std::filesystem::path& path) {
  Sha256 hash;
  files::for_each_block(path, [&](std::string_view block) { hash.add(block.data(), block.size()); });
  return hash.finish();
}

std::string xxhash64_of_file(const std::filesystem::path& path) {
  struct Free {
    void operator()(XXH3_state_t* p) const { XXH3_freeState(p); }
  };
  const std::unique_ptr<XXH3_state_t, Free> state(XXH3_createState());
  GLINT_CHECK(state && XXH3_64bits_reset(state.get()) == XXH_OK, "xxhash has no memory");
  files::for_each_block(path,
                        [&](std::string_view block) { XXH3_64bits_update(state.get(), block.data(), block.size()); });
  std::ostringstream digits;
  digits << std::hex << std::setw(16) << std::setfill('0') << XXH3_64bits_digest(state.get());
  return digits.str();
}

std::uint64_t xxhash64(const void* data, std::size_t size) {
  return XXH3_64bits(data, size);
}

}  // namespace glint
