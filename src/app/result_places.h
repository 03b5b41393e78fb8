#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace glint::app {

// Before long work whose result goes into `file`: throws Error where it could not be written there in the end. `advice`
// says what else can be done: "; --out FILE puts it elsewhere".
void require_place(const std::filesystem::path& file, const std::string& advice);

// The same for what the work can do without: a warning that ends with `consequence`, and false.
bool has_place(const std::filesystem::path& file, const std::string& consequence);

// For a folder that is to be written as a whole: what is there already must be an empty folder.
void require_new_folder_place(const std::filesystem::path& folder);

// Writes results and prints them; what the writing meets is thrown once they are printed.
void write_and_print(const std::function<void()>& write, const std::function<void()>& print);

}  // namespace glint::app
