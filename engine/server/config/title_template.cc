#include "engine/server/config/title_template.h"

#include <optional>

namespace engine::server {
namespace {

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

}  // namespace engine::server
