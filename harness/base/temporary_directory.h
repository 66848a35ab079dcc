// A fresh directory that goes, with all that is in it, when its owner does.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

#include "harness/base/error.h"

namespace crashpoint {

class TemporaryDirectory {
 public:
  // Below `parent`; empty: the system's temp folder. Throws EnvironmentError.
  explicit TemporaryDirectory(const std::filesystem::path& parent = {}) {
    std::string pattern =
        ((parent.empty() ? std::filesystem::temp_directory_path() : parent) / "crashpoint-XXXXXX")
            .string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw EnvironmentError("cannot create " + pattern + ": " + std::strerror(errno));
    }
    path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace crashpoint
