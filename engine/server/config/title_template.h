// proc-title-template: what `ps` shows of the engine, with its variables.
#pragma once

#include <string>
#include <string_view>

namespace engine::server {

struct TitleVariables {
  std::string_view title;        // the program, or a child's purpose
  std::string_view listen_addr;  // "127.0.0.1:6379"
  std::string_view server_mode;  // empty: no mode worth showing
  std::string_view config_file;
  int port = 0;
  std::string_view unixsocket;
};

// Whether every {variable} of the template is known.
bool is_title_template(std::string_view text);

// The template with its variables replaced; variables are those of redis.conf: {title},
// {listen-addr}, {server-mode}, {port}, {tls-port}, {unixsocket}, {config-file}.
std::string expand_title(std::string_view text, const TitleVariables& variables);

}  // namespace engine::server
