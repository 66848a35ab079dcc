// Whether anybody uses the files of a directory: opens, removes or renames one of them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "harness/base/fd.h"
#include "harness/trace/trace.h"

namespace crashpoint::campaign {

class FileUse {
 public:
  // Watches from now on. `image` is the content of `folder`.
  FileUse(const trace::Image& image, const std::filesystem::path& folder);

  // Since the watch began, or the last call of this. True also if there is no file, or where watching failed: then nothing can be said against it.
  [[nodiscard]] bool any() const;

  [[nodiscard]] std::size_t file_count() const { return count_; }

 private:
  Fd events_;
  std::map<int, std::set<std::string>> files_;  // by watch: the names in that directory
  std::size_t count_ = 0;
  bool works_ = true;
};

}  // namespace crashpoint::campaign
