#pragma once

#include <string>

namespace glint {

// Text that was UTF-8 and was read as something else, "cafÃ©", as it was meant, "café"; once or several times, all of
// it or parts. Text that does not look so stays. ftfy.fix_encoding of version 6.
std::u32string repair_encoding(std::u32string text);

}  // namespace glint
