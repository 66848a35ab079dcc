#include "harness/scenario/json/inherit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/base/written_files.h"

namespace crashpoint::scenario {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kExtendsMax = 16;
constexpr std::uintmax_t kFileBytesMax = std::uintmax_t{16} << 20;
constexpr std::string_view kDefaults = "_defaults.json";

Problem whole_file(const std::string& file, std::string text) {
  return {file, 0, 0, "", std::move(text)};
}

// Bases, defaults and templates ('_') and hidden files ('.') are not run themselves.
bool is_not_run(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with('_') || name.starts_with('.');
}

bool is_scenario(const fs::path& path) {
  return path.extension() == ".json" && !is_not_run(path) &&
         !path.filename().string().ends_with(".schema.json");
}

std::string missing_path(const fs::path& path) {
  std::vector<std::string> siblings;
  std::error_code error;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    siblings.push_back(entry.path().filename().string());
  }
  std::sort(siblings.begin(), siblings.end());
  const std::string meant = nearest(path.filename().string(), siblings);
  return meant.empty()
             ? "no such file or directory"
             : fmt::format("no such file or directory; did you mean \"{}\"?",
                           (path.has_parent_path() ? folder / meant : fs::path(meant)).string());
}

// Reports and bundles below `folder` are passed over, wherever they were written; of a bundle that is
// itself `folder`, its scenario is meant.
void find_below(const fs::path& folder, std::set<std::string>& files,
                std::vector<Problem>& problems) {
  if (is_bundle(folder)) {
    files.insert((folder / "scenario.json").lexically_normal().string());
    return;
  }
  std::error_code error;
  auto entry = fs::recursive_directory_iterator(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;  // the entry was removed meanwhile, or is a symlink loop
    if (entry->is_regular_file(ignored) && is_scenario(entry->path())) {
      if (format_of(entry->path()) != kReportFormat) {
        files.insert(entry->path().lexically_normal().string());
      }
    } else if (entry->is_directory(ignored) &&
               (is_not_run(entry->path()) || is_bundle(entry->path()))) {
      entry.disable_recursion_pending();
    }
  }
  if (error) {
    problems.push_back(
        whole_file(folder.string(), fmt::format("cannot be read: {}", error.message())));
  }
}

std::optional<std::string> read_file(const std::string& file, std::vector<Problem>& problems) {
  const auto fail = [&](std::string text) {
    problems.push_back(whole_file(file, std::move(text)));
    return std::nullopt;
  };
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {  // reading a pipe would block
    return fail(error ? fmt::format("cannot be read: {}", error.message())
                      : "is not a regular file");
  }
  const std::uintmax_t size = fs::file_size(file, error);
  if (!error && size > kFileBytesMax) {
    return fail(fmt::format("has {} bytes; allowed: at most {}", with_commas(size),
                            with_commas(kFileBytesMax)));
  }
  std::ifstream stream(file, std::ios::binary);
  if (error || !stream) {
    return fail(fmt::format("cannot be read: {}", error_text(errno)));
  }
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::string canonical(const fs::path& path) {
  std::error_code error;
  const fs::path found = fs::weakly_canonical(path, error);
  return error ? path.string() : found.string();
}

// Merges the file that `file` extends, then `file` itself, into `result`.
bool merge_chain(const std::string& file, Document& result, std::vector<std::string>& chain,
                 std::vector<Problem>& problems) {
  const std::optional<Document> document = read_document(file, problems);
  if (!document.has_value()) {
    return false;
  }
  chain.push_back(canonical(file));
  const auto extends = document->json().find("extends");
  if (extends != document->json().end() && extends->is_string()) {
    const std::string base =
        (fs::path(file).parent_path() / extends->get<std::string>()).lexically_normal().string();
    const auto fail = [&](std::string text) {
      problems.push_back(
          problem_at(document->value_position("/extends"), "/extends", std::move(text)));
      return false;
    };
    std::error_code error;
    if (!fs::exists(base, error)) {
      return fail(fmt::format("{}: {}", base, missing_path(base)));
    }
    if (std::find(chain.begin(), chain.end(), canonical(base)) != chain.end()) {
      return fail(fmt::format("circular: {} extends itself through this file", base));
    }
    if (chain.size() >= kExtendsMax) {
      return fail(fmt::format("more than {} files extend one another", kExtendsMax));
    }
    if (!merge_chain(base, result, chain, problems)) {
      return false;
    }
    result.erase("name");  // the name of a base is not inherited
  }
  result.merge("", *document);
  return true;
}

}  // namespace

std::vector<std::string> find_files(const std::vector<std::string>& paths,
                                    std::vector<Problem>& problems) {
  std::set<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (path.empty()) {
      problems.push_back(whole_file("PATH", "found nothing; allowed: a file or a directory"));
    } else if (fs::is_directory(path, error)) {
      const std::size_t before = files.size();
      find_below(path, files, problems);
      if (files.size() == before && problems.empty()) {
        problems.push_back(whole_file(path, "contains no scenario (*.json)"));
      }
    } else if (fs::exists(path, error)) {
      files.insert(fs::path(path).lexically_normal().string());
    } else {
      problems.push_back(whole_file(path, missing_path(path)));
    }
  }
  return {files.begin(), files.end()};
}

std::optional<Document> read_document(const std::string& file, std::vector<Problem>& problems) {
  const std::optional<std::string> text = read_file(file, problems);
  if (!text.has_value()) {
    return std::nullopt;
  }
  const std::string format = format_of(file);
  if (format == kReportFormat || format == kBundleFormat) {
    problems.push_back(whole_file(
        file, format == kReportFormat
                  ? "is a report that crashpoint wrote, not a scenario"
                  : "describes a bundle; its scenario is scenario.json in the same directory"));
    return std::nullopt;
  }
  std::optional<Document> document = Document::parse(file, *text, problems);
  if (document.has_value() && !document->json().is_object()) {
    problems.push_back(problem_at(document->value_position(""), "",
                                  "a scenario must be an object: {\"version\": 1, ...}"));
    return std::nullopt;
  }
  return document;
}

std::optional<Document> read_with_inherited(const std::string& file,
                                            std::vector<Problem>& problems) {
  std::optional<Document> result = Document::parse(file, "{}", problems);
  const fs::path defaults = fs::path(file).parent_path() / kDefaults;
  std::error_code error;
  std::vector<std::string> chain;
  if (fs::exists(defaults, error) && fs::path(file).filename() != kDefaults &&
      !merge_chain(defaults.string(), *result, chain, problems)) {
    return std::nullopt;
  }
  result->erase("name");
  chain.clear();
  if (!merge_chain(file, *result, chain, problems)) {
    return std::nullopt;
  }
  return result;
}

}  // namespace crashpoint::scenario
