#include "engine/server/config/directive_checks.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "engine/base/text.h"
#include "engine/server/config/title_template.h"

namespace engine::server {
namespace {

bool is_path(std::string_view name) {
  return name.find_first_of("/\\") != std::string_view::npos;
}

}  // namespace

std::string check_dbfilename(std::string_view value) {
  return is_path(value) ? "dbfilename can't be a path, just a filename" : "";
}

std::string check_appendfilename(std::string_view value) {
  if (value.empty()) {
    return "appendfilename can't be empty";
  }
  return is_path(value) ? "appendfilename can't be a path, just a filename" : "";
}

std::string check_appenddirname(std::string_view value) {
  if (value.empty()) {
    return "appenddirname can't be empty";
  }
  return is_path(value) ? "appenddirname can't be a path, just a dirname" : "";
}

std::string check_directory(std::string_view value) {
  const std::string path(value);
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) {
    return error_text(errno);
  }
  if (!S_ISDIR(status.st_mode)) {
    return error_text(ENOTDIR);
  }
  return ::access(path.c_str(), X_OK) == 0 ? "" : error_text(errno);
}

std::string check_title_template(std::string_view value) {
  return is_title_template(value) ? "" : "template format is invalid or contains unknown variables";
}

std::string refuse_active_defrag(std::string_view value) {
  return value == "no" ? ""
                       : "Active defragmentation cannot be enabled: it requires a server compiled "
                         "with a modified Jemalloc";
}

std::string refuse_acl_file(std::string_view value) {
  return value.empty() ? "" : "ACL files are not supported: only the default user exists";
}

std::string refuse_replication(std::string_view value) {
  return value.empty() || value == "no one"
             ? ""
             : "replication is not supported: this server cannot be a replica";
}

std::string refuse_cluster(std::string_view value) {
  return value == "no" ? "" : "cluster mode is not supported";
}

std::string refuse_tls(std::string_view value) {
  return value == "0" ? "" : "TLS is not supported";
}

}  // namespace engine::server
