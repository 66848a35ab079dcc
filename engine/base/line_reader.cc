#include "engine/base/line_reader.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "engine/base/text.h"

namespace engine {

Result<std::optional<std::string>> LineReader::next() {
  for (;;) {
    if (const std::size_t end = input_.find('\n'); end != std::string::npos) {
      std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      return line;
    }
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(fd_, buffer.data(), buffer.size());
    if (n == 0) {
      return std::nullopt;
    }
    if (n < 0 && errno != EINTR) {
      return fail(fmt::format("read requests: {}", error_text(errno)), errno);
    }
    input_.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  }
}

}  // namespace engine
