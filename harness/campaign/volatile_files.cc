#include "harness/campaign/volatile_files.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "harness/base/glob.h"

namespace crashpoint::campaign {
namespace {

class Globs {
 public:
  explicit Globs(const std::vector<std::string>& globs) : globs_(globs) {}
  [[nodiscard]] bool match(std::string_view path) const {
    return std::any_of(globs_.begin(), globs_.end(),
                       [&](const std::string& glob) { return glob_match(glob, path); });
  }

 private:
  const std::vector<std::string>& globs_;
};

// A note on a file begins with its path: "t.db-shm is mapped shared and writable", "a.db: its bytes differ".
bool is_about(const std::string& note, const Globs& globs) {
  for (const std::string_view separator : {" is mapped ", " was moved in ", " was mapped ", ": "}) {
    const std::size_t at = note.find(separator);
    if (at != std::string::npos && globs.match(std::string_view(note).substr(0, at))) {
      return true;
    }
  }
  return false;
}

}  // namespace

void leave_out_volatile(trace::Image& image, const std::vector<std::string>& globs) {
  const Globs volatile_files(globs);
  std::erase_if(image, [&](const auto& item) {
    return item.second.kind != trace::ImageEntry::Kind::kDirectory &&
           volatile_files.match(item.first);
  });
}

void leave_out_volatile(trace::Trace& trace, const std::vector<std::string>& globs) {
  if (globs.empty()) {
    return;
  }
  const Globs volatile_files(globs);
  std::map<trace::FileId, bool> only_volatile;  // by file: every name it was seen under
  const auto named = [&](trace::FileId file, const std::string& path, bool directory) {
    if (file != 0 && !path.empty()) {
      bool& only = only_volatile.try_emplace(file, true).first->second;
      only = only && !directory && volatile_files.match(path);
    }
  };
  for (const auto& [path, entry] : trace.initial) {
    named(entry.file, path, entry.kind == trace::ImageEntry::Kind::kDirectory);
  }
  for (const trace::Event& event : trace.events) {
    named(event.file, event.path.str(), event.directory);
    if (event.op == trace::Op::kRename || event.op == trace::Op::kLink) {
      named(event.file, event.path2.str(), event.directory);
      named(event.file2, event.path2.str(), false);
    }
  }
  const auto is_volatile = [&](trace::FileId file) {
    const auto found = only_volatile.find(file);
    return found != only_volatile.end() && found->second;
  };
  std::erase_if(trace.initial, [&](const auto& item) { return is_volatile(item.second.file); });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < trace.events.size(); ++i) {
    if (!is_volatile(trace.events[i].file)) {
      trace.events[kept++] = trace.events[i];
    }
  }
  trace.events.truncate(kept);
  std::erase_if(trace.unseen,
                [&](const std::string& note) { return is_about(note, volatile_files); });
}

}  // namespace crashpoint::campaign
