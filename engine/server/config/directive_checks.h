// Values that have the right form and are refused nevertheless: names that would be paths, and
// features the engine does not have, where pretending would break a promise to a client.
//
// Each returns why, or an empty text.
#pragma once

#include <string>
#include <string_view>

namespace engine::server {

std::string check_dbfilename(std::string_view value);
std::string check_appendfilename(std::string_view value);
std::string check_appenddirname(std::string_view value);
std::string check_directory(std::string_view value);
std::string check_title_template(std::string_view value);
std::string refuse_active_defrag(std::string_view value);
std::string refuse_acl_file(std::string_view value);
std::string refuse_replication(std::string_view value);
std::string refuse_cluster(std::string_view value);
std::string refuse_tls(std::string_view value);

}  // namespace engine::server
