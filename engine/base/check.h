// Checks of the engine's own state.
//
// What can go wrong in the world (a full disk, a damaged file) is a Result. A check that fails is a
// bug of the engine: the process aborts, since a server that no longer knows its own state must not
// acknowledge another write.
//
//   ENGINE_CHECK(synced_size_ <= data_size_, synced_size_, data_size_);
//
// prints the condition, the values and the place. The values are evaluated only if it fails.
//
// ENGINE_CHECK is on in every preset. ENGINE_DCHECK is for paths that are run for every element or
// byte: it is on in the debug presets (dev, asan, tsan, coverage).
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <type_traits>

namespace engine {

// `report` gets the message too, before the process aborts (the server's log: a daemon
// has no standard error). It may be called from any thread. Null: standard error only.
void set_check_reporter(void (*report)(std::string_view message));

namespace internal {

[[noreturn]] void check_failed(const char* condition, const char* file, int line,
                               const char* names = "", const std::string& values = "");

template <typename T>
std::string shown(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return fmt::format("{}", static_cast<long long>(value));
  } else if constexpr (std::is_pointer_v<T> && !std::is_convertible_v<T, std::string_view>) {
    return fmt::format("{}", fmt::ptr(value));
  } else {
    return fmt::format("{}", value);
  }
}

template <typename First, typename... Rest>
[[noreturn, gnu::cold, gnu::noinline]] void check_failed(const char* condition, const char* file,
                                                         int line, const char* names,
                                                         const First& first, const Rest&... rest) {
  std::string values = shown(first);
  ((values += ", " + shown(rest)), ...);
  check_failed(condition, file, line, names, values);
}

}  // namespace internal
}  // namespace engine

#define ENGINE_CHECK(condition, ...)                                                       \
  do {                                                                                     \
    if (!(condition)) [[unlikely]] {                                                       \
      ::engine::internal::check_failed(#condition, __FILE__,                               \
                                       __LINE__ __VA_OPT__(, #__VA_ARGS__, ) __VA_ARGS__); \
    }                                                                                      \
  } while (false)

#ifdef ENGINE_DEBUG_CHECKS
#define ENGINE_DCHECK(...) ENGINE_CHECK(__VA_ARGS__)
#else
#define ENGINE_DCHECK(...)       \
  do {                           \
    if (false) {                 \
      ENGINE_CHECK(__VA_ARGS__); \
    }                            \
  } while (false)
#endif
