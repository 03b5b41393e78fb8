#include "glint/core/error.h"

#include <cerrno>
#include <cstring>

namespace glint {
namespace {

// What the user can do about it; empty where the system's own words say it.
const char* cure(int code) {
  switch (code) {
    case EMFILE:
      return "; raise the limit on open files (ulimit -n) or lower data.workers";
    case ENFILE:
      return "; the machine has too many open files";
    case EAGAIN:
      return "; the machine allows no more threads or processes now (ulimit -u); lower data.workers or train.threads";
    case ENOSPC:
    case EDQUOT:
      return "; free some space";
    case EIO:
    case ESTALE:
    case ENOTCONN:
    case ETIMEDOUT:
      return "; the storage does not answer as it should; try again once it does";
    default:
      return "";
  }
}

}  // namespace

bool is_not_now(int code) {
  switch (code) {
    case EAGAIN:
    case EBUSY:
    case ECONNABORTED:
    case ECONNRESET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EINTR:
    case EIO:
    case EMFILE:
    case ENETDOWN:
    case ENETUNREACH:
    case ENFILE:
    case ENOBUFS:
    case ENODEV:
    case ENOLCK:
    case ENOLINK:
    case ENOMEM:
    case ENOTCONN:
    case ENXIO:
    case EREMOTEIO:
    case ESHUTDOWN:
    case ESTALE:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

void throw_errno(const std::string& what, int code) {
  const auto sentence = concat(what, ": ", std::strerror(code), cure(code));
  if (is_not_now(code)) throw NotNow(sentence);
  throw Error(sentence);
}

}  // namespace glint
