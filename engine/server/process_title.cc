#include "engine/server/process_title.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace engine::server {
namespace {

// The block that holds argv and environ: the kernel shows what is written there as the command
// line.
struct TitleArea {
  char* begin = nullptr;
  std::size_t size_bytes = 0;
};
TitleArea g_area;

}  // namespace

void init_process_title(int argc, char** argv) {
  // The environment follows the arguments in memory; it is moved to the heap so that its place can
  // be overwritten as well.
  char* end = argv[0];
  for (int i = 0; i < argc && argv[i] == end; ++i) {
    end += std::strlen(argv[i]) + 1;
  }
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (*variable == end) {
      end += std::strlen(*variable) + 1;
    }
    *variable = ::strdup(*variable);
  }
  // argv[i] is read by the parser of the command line after this: it works on copies.
  g_area = {argv[0], static_cast<std::size_t>(end - argv[0])};
}

void set_process_title(std::string_view title) {
  if (g_area.size_bytes == 0) {
    return;
  }
  const std::size_t size = std::min(title.size(), g_area.size_bytes - 1);
  std::memset(g_area.begin, 0, g_area.size_bytes);
  std::memcpy(g_area.begin, title.data(), size);
}

}  // namespace engine::server
