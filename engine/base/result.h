// Result<T>: a value, or an Error of the world (a full disk, a damaged file, a bad setting).
// A bug of the engine itself is no Result but a failed ENGINE_CHECK (check.h).
#pragma once

#include <string>
#include <utility>

#include "engine/base/check.h"

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

}  // namespace engine
