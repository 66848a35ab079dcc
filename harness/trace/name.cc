#include "harness/trace/name.h"

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace crashpoint::trace {

const std::string* Name::intern(std::string_view text) {
  if (text.empty()) {
    return nullptr;
  }
  // Never destroyed: a Name may outlive every other static.
  static auto& mutex = *new std::mutex;
  static auto& names = *new std::set<std::string, std::less<>>;
  const std::lock_guard lock(mutex);
  auto found = names.find(text);
  if (found == names.end()) {
    found = names.emplace(text).first;
  }
  return &*found;
}

}  // namespace crashpoint::trace
