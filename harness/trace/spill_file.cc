#include "harness/trace/spill_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "harness/base/error.h"
#include "harness/base/text.h"

namespace crashpoint::trace {

int open_spill_file(const std::string& directory) {
  const char* const temporary = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe)
  const std::string folder = !directory.empty()                           ? directory
                             : temporary != nullptr && *temporary != '\0' ? temporary
                                                                          : "/tmp";
  int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) {
    std::string path = folder + "/crashpoint-data-XXXXXX";
    file = ::mkostemp(path.data(), O_CLOEXEC);
    if (file >= 0) {
      ::unlink(path.c_str());
    }
  }
  if (file < 0) {
    throw EnvironmentError(
        fmt::format("cannot make a temporary file in {}: {}", folder, error_text(errno)));
  }
  return file;
}

}  // namespace crashpoint::trace
