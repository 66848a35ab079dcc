#include "engine/server/process_title.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "engine/base/text.h"

namespace engine::server {
namespace {

// The block behind argv and environ: the kernel shows what is written there as the command line.
struct TitleArea {
  char* begin = nullptr;
  std::size_t size_bytes = 0;
};
TitleArea g_area;

std::optional<std::string> value_of(std::string_view variable, const TitleVariables& variables) {
  if (variable == "title") {
    return std::string(variables.title);
  }
  if (variable == "listen-addr") {
    return std::string(variables.listen_addr);
  }
  if (variable == "server-mode") {
    return variables.server_mode.empty() ? "" : "[" + std::string(variables.server_mode) + "]";
  }
  if (variable == "port") {
    return std::to_string(variables.port);
  }
  if (variable == "tls-port") {
    return "0";
  }
  if (variable == "unixsocket") {
    return std::string(variables.unixsocket);
  }
  if (variable == "config-file") {
    return std::string(variables.config_file);
  }
  return std::nullopt;
}

std::optional<std::string> try_expand(std::string_view text, const TitleVariables& variables) {
  std::string title;
  while (true) {
    const std::size_t open = text.find('{');
    title += text.substr(0, open);
    if (open == std::string_view::npos) {
      break;
    }
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) {
      return std::nullopt;
    }
    const auto value = value_of(text.substr(open + 1, close - open - 1), variables);
    if (!value) {
      return std::nullopt;
    }
    title += *value;
    text.remove_prefix(close + 1);
  }
  while (!title.empty() && title.back() == ' ') {
    title.pop_back();
  }
  return title;
}

}  // namespace

bool is_title_template(std::string_view text) {
  return try_expand(text, {}).has_value();
}

std::string expand_title(std::string_view text, const TitleVariables& variables) {
  return try_expand(text, variables).value_or("");
}

void init_process_title(int argc, char** argv) {
  // Arguments and environment lie one behind the other; the environment moves to the heap so that
  // its place can be written to as well.
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
