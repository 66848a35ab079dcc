// Result<T>: a value, or an Error of the world (a full disk, a damaged file, a bad setting).
//
// Errors of our own making are ENGINE_CHECK failures, on in every build: the process aborts, since
// a server that no longer knows its own state must not acknowledge another write.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace engine {

// What went wrong, in words an operator can act on, and the errno behind it (0 when there is none).
struct Error {
  std::string message;
  int code = 0;
};

template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

// `return fail("cannot do {}", ...)` in a function that returns any Result.
inline tl::unexpected<Error> fail(std::string message, int code = 0) {
  return tl::unexpected<Error>(Error{std::move(message), code});
}

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace engine

#define ENGINE_CHECK(condition)                               \
  do {                                                        \
    if (!(condition)) {                                       \
      ::engine::check_failed(#condition, __FILE__, __LINE__); \
    }                                                         \
  } while (false)
