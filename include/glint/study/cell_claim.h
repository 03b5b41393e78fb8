#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace glint {

// Who works on a cell, for workers on several machines of one file system: a lock on the cell's folder, and a lease for
// file systems without locks: lease.json with machine and process, made with O_EXCL, whose time of change is renewed
// every few seconds. It goes with the object; after a kill -9 the lock goes with the process, and the lease once its
// process is not there any more or, on another machine, has not renewed it for two minutes.
class CellClaim {
 public:
  // None where somebody else works there. Makes the folder.
  static std::unique_ptr<CellClaim> take(const std::filesystem::path& folder);
  // Who works there, by the lease ("node1, process 1234"); none: nobody, or nobody who lives.
  static std::optional<std::string> holder(const std::filesystem::path& folder);

  ~CellClaim();
  CellClaim(const CellClaim&) = delete;
  CellClaim& operator=(const CellClaim&) = delete;

 private:
  struct Parts;
  explicit CellClaim(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace glint
