// Scenario files in a temporary directory, and the problems that the loader reports.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/temporary_directory.h"
#include "harness/scenario/load/load.h"

namespace crashpoint::scenario {

class FilesForTest {
 public:
  // Writes a file; returns its path.
  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = directory_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

  [[nodiscard]] std::string path(const std::string& name = "") const {
    return (directory_.path() / name).lexically_normal().string();
  }

  // The lines of the error that load() throws, with file names relative to the directory; empty if
  // there is none.
  [[nodiscard]] std::vector<std::string> problems(const std::vector<std::string>& paths,
                                                  const LoadOptions& options = {}) const {
    try {
      static_cast<void>(load(paths, options));
    } catch (const UsageError& error) {
      return lines(error.what());
    }
    return {};
  }

  // The problems of one file with this text, without the file name and the line with the count.
  [[nodiscard]] std::vector<std::string> problems_of(const std::string& text) const {
    std::vector<std::string> all = problems({write("t.json", text)});
    if (!all.empty()) {
      all.erase(all.begin());
    }
    for (std::string& line : all) {
      line = line.substr(std::string("t.json:").size());
    }
    return all;
  }

  // The only case of a file with this text.
  [[nodiscard]] Case load_one(const std::string& text) const {
    return load({write("t.json", text)}).cases.at(0);
  }

 private:
  [[nodiscard]] std::vector<std::string> lines(std::string text) const {
    const std::string folder = directory_.path().string() + "/";
    for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) {
      text.erase(at, folder.size());
    }
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      out.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return out;
  }

  TemporaryDirectory directory_;
};

}  // namespace crashpoint::scenario
